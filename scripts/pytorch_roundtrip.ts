/**
 * Round trip of weights through real PyTorch: saved there and loaded here in every form, saved here
 * and loaded there, outputs compared. Run it with
 *
 *     CRYPTS_TORCH_PYTHON=path/to/python deno run -A scripts/pytorch_roundtrip.ts
 *
 * (a Python with what scripts/pytorch_roundtrip.py names). Ends with status 1 when anything differs.
 */
import "./quiet_libraries.ts";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "crypts/backend";
import { createModel, loadWeights, saveWeights } from "crypts/model";

const PYTHON = Deno.env.get("CRYPTS_TORCH_PYTHON") ?? "python3";
const SCRIPT = fileURLToPath(new URL("./pytorch_roundtrip.py", import.meta.url));

/** The forms in which PyTorch saves each model; those of lower precision have logits of their own. */
const FORMS = ["plain", "strided", "nested", "module", "half", "bfloat"];

/** Largest error of the logits allowed, relative to their deviation. */
const TOLERANCE = 1e-4;

async function python(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(PYTHON, { args: [SCRIPT, ...args] })
    .output();
  if (!success) throw new Error(`${PYTHON} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function readFloats(path: string): Float32Array<ArrayBuffer> {
  return new Float32Array(Deno.readFileSync(path).buffer);
}

function distance(got: ArrayLike<number>, want: Float32Array): number {
  const mean = want.reduce((a, b) => a + b, 0) / want.length;
  const deviation = Math.sqrt(want.reduce((a, b) => a + (b - mean) ** 2, 0) / want.length);
  let worst = 0;
  for (let i = 0; i < want.length; i++) worst = Math.max(worst, Math.abs(got[i] - want[i]));
  return worst / deviation;
}

let failed = false;
function report(what: string, error: number, tolerance: number): void {
  const ok = error <= tolerance;
  failed ||= !ok;
  console.log(`${ok ? "ok    " : "FAILED"} ${what}: ${error.toExponential(1)} (<= ${tolerance})`);
}

const { line } = await selectBackend(Deno.env.get("CRYPTS_BACKEND"));
const folder = await Deno.makeTempDir({ prefix: "roundtrip-" });
try {
  await python("save", folder);
  const { cases, versions } = JSON.parse(await Deno.readTextFile(`${folder}/cases.json`));
  console.log(`PyTorch ${versions.torch}, smp ${versions.smp}; here: ${line}`);
  const input = tf.tidy(() =>
    tf.transpose(tf.tensor4d(readFloats(`${folder}/input.f32`), [2, 3, 96, 64]), [0, 2, 3, 1])
  ) as tf.Tensor4D;
  for (const [i, { architecture, encoder }] of cases.entries()) {
    const want = readFloats(`${folder}/${i}.logits.f32`);
    const model = createModel({ architecture, encoder, initialize: false });
    for (const form of FORMS) {
      const extension = form === "nested" ? "pt" : "pth";
      const low = form === "half" || form === "bfloat";
      const expected = low ? readFloats(`${folder}/${i}.${form}.logits.f32`) : want;
      await loadWeights(model, `${folder}/${i}.${form}.${extension}`);
      const logits = tf.tidy(() => tf.transpose(model.predict(input), [0, 3, 1, 2]));
      report(
        `${architecture} ${encoder}, ${form}`,
        distance(await logits.data(), expected),
        TOLERANCE,
      );
      logits.dispose();
      if (form === "plain") await saveWeights(model, `${folder}/${i}.ours.safetensors`);
    }
    const { scope } = await loadWeights(model, `${folder}/${i}.encoder.pth`);
    report(`${architecture} ${encoder}, encoder alone`, scope === "encoder" ? 0 : 1, 0);
    model.dispose();
  }
  const errors: number[] = JSON.parse(await python("check", folder));
  for (const [i, { architecture, encoder }] of cases.entries()) {
    report(`${architecture} ${encoder}, written here, read by PyTorch`, errors[i], 1e-6);
  }
  for (
    const [file, encoder, bottleneck] of [
      ["timm.pth", "efficientnet-b1", "timm.f32"],
      ["resnet.pth", "resnet18", "resnet.f32"],
      ["torchvision.safetensors", "efficientnet-b1", null],
    ] as const
  ) {
    const model = createModel({ architecture: "Linknet", encoder, initialize: false });
    const { style } = await loadWeights(model, `${folder}/${file}`);
    if (bottleneck) {
      const feature = tf.tidy(() => tf.transpose(model.feature(input, "bottleneck"), [0, 3, 1, 2]));
      const error = distance(await feature.data(), readFloats(`${folder}/${bottleneck}`));
      report(`${file}, bottleneck of ${encoder}`, error, TOLERANCE);
      feature.dispose();
    } else report(`${file}, names of ${style}`, style === "torchvision" ? 0 : 1, 0);
    model.dispose();
  }
  const refused = createModel({ ...cases[0], initialize: false });
  const message = await loadWeights(refused, `${folder}/whole_model.pth`)
    .then(() => "", (error) => (error as Error).message);
  report("a pickled model is refused", /only tensors/.test(message) ? 0 : 1, 0);
  refused.dispose();
  input.dispose();
} finally {
  await Deno.remove(folder, { recursive: true });
}
if (failed) Deno.exit(1);
