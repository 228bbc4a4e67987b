/**
 * Checkpoints as trainers write them (Lightning, torch.compile, averaged models, …), loaded here and
 * compared with PyTorch's logits. Run it with
 *
 *     CRYPTS_TORCH_PYTHON=path/to/python deno run -A scripts/trainer_checkpoints.ts
 *
 * (a Python with what scripts/trainer_checkpoints.py names). Ends with status 1 when anything differs.
 */
import "./quiet_libraries.ts";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "crypts/backend";
import { loadModel } from "crypts/model";

const PYTHON = Deno.env.get("CRYPTS_TORCH_PYTHON") ?? "python3";
const SCRIPT = fileURLToPath(new URL("trainer_checkpoints.py", import.meta.url));

/** Largest error of the logits allowed, relative to their deviation. */
const TOLERANCE = 1e-4;

/** What refused files must say. */
const REASONS: Record<string, RegExp> = {
  "refused.FPN.ckpt": /its architecture is FPN, which is not built/,
  "refused.DeepLabV3Plus.ckpt": /its architecture is DeepLabV3\+, which is not built/,
  "refused.PAN.ckpt": /its architecture is PAN, which is not built/,
  "refused.model.pth": /save model\.state_dict\(\)/,
  "refused.quantized.pth": /quantized|does not say which model it is|holds a/,
};

function readFloats(path: string): Float32Array<ArrayBuffer> {
  return new Float32Array(Deno.readFileSync(path).buffer);
}

function distance(got: ArrayLike<number>, want: Float32Array): number {
  const mean = want.reduce((a, b) => a + b, 0) / want.length;
  const deviation = Math.sqrt(want.reduce((a, b) => a + (b - mean) ** 2, 0) / want.length);
  return want.reduce((most, w, i) => Math.max(most, Math.abs(got[i] - w)), 0) / deviation;
}

const { line } = await selectBackend(Deno.env.get("CRYPTS_BACKEND") ?? "wasm");
const folder = await Deno.makeTempDir({ prefix: "trainers-" });
let failed = false;
try {
  const { success, stderr } = await new Deno.Command(PYTHON, { args: [SCRIPT, folder] }).output();
  if (!success) throw new Error(`${PYTHON} failed:\n${new TextDecoder().decode(stderr)}`);
  console.log(`${await Deno.readTextFile(`${folder}/versions.json`)}; here: ${line}`);
  const want = readFloats(`${folder}/logits.f32`);
  const input = tf.tidy(() =>
    tf.transpose(tf.tensor4d(readFloats(`${folder}/input.f32`), [1, 3, 64, 96]), [0, 2, 3, 1])
  ) as tf.Tensor4D;
  const names = [...Deno.readDirSync(folder)].map((entry) => entry.name)
    .filter((name) => /\.(ckpt|pth|pt|tar|bin|safetensors)$/.test(name)).sort();
  for (const name of names) {
    const prefix = name === "two.pth" ? "model." : undefined;
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice.replace(`${folder}/`, ""));
    try {
      const { model } = await loadModel(`${folder}/${name}`, { prefix, onNotice });
      const logits = tf.tidy(() => tf.transpose(model.forward(input), [0, 3, 1, 2]));
      const error = distance(await logits.data(), want);
      const ok = error <= TOLERANCE && !(name in REASONS);
      failed ||= !ok;
      console.log(`${ok ? "ok    " : "FAILED"} ${name}: ${error.toExponential(1)}`);
      for (const notice of notices) console.log(`         ${notice}`);
      logits.dispose();
      model.dispose();
    } catch (error) {
      const { message } = error as Error;
      const ok = REASONS[name]?.test(message) ?? false;
      failed ||= !ok;
      console.log(`${ok ? "ok    " : "FAILED"} ${message.replace(`${folder}/`, "")}`);
    }
  }
  input.dispose();
} finally {
  await Deno.remove(folder, { recursive: true });
}
if (failed) Deno.exit(1);
