/**
 * Unet with EfficientNet-B0 and B2: evaluation and training step on every backend of this machine and
 * on ONNX Runtime, time and peak memory, beside PyTorch.
 *
 *     deno run -A bench/models.ts [ENGINE…]
 *
 * Each figure comes from a process of its own, so that its peak memory is its own too. A training step
 * is forward, backward and Ranger. PyTorch runs in the same run (Adam instead of Ranger), in its own layout
 * and in channels_last, where CRYPTS_TORCH_PYTHON names a Python with what scripts/pytorch_roundtrip.py
 * needs; ratios are to the faster of the two.
 */
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { BACKENDS, selectBackend } from "crypts/backend";
import { crossEntropy } from "crypts/tensor";
import { createModel, onnxPredictor } from "crypts/model";
import { Ranger } from "crypts/ranger";
import { printMachine, printTable, time } from "./machine.ts";

const ONNX = "onnxruntime";

interface Work {
  encoder: string;
  side: number;
  batch: number;
  training: boolean;
}

/** How PyTorch lays its tensors out: channels before pixels, or after them as TensorFlow does. */
type Layout = "default" | "channels_last";

/** What one process measures. */
interface Figure {
  ms: number;
  /** Largest resident set in MiB; null where the system does not tell. */
  peak: number | null;
}

const WORKS: Work[] = [
  { encoder: "efficientnet-b0", side: 128, batch: 8, training: true },
  { encoder: "efficientnet-b0", side: 128, batch: 8, training: false },
  { encoder: "efficientnet-b2", side: 256, batch: 2, training: true },
  { encoder: "efficientnet-b2", side: 256, batch: 2, training: false },
  { encoder: "efficientnet-b2", side: 512, batch: 2, training: true },
  { encoder: "efficientnet-b2", side: 512, batch: 2, training: false },
  { encoder: "efficientnet-b2", side: 512, batch: 1, training: false },
];
const REPEATS = { training: 5, evaluation: 7 };

const nameOf = ({ encoder, side, batch, training }: Work) =>
  `${encoder} ${side} ${batch} ${training ? "training" : "evaluation"}`;

if (Deno.args[0] === "--one") {
  const [, engine, work] = Deno.args;
  console.log(JSON.stringify(await measure(engine, JSON.parse(work))));
} else {
  await compare(Deno.args.length ? Deno.args : [...BACKENDS.filter((n) => n !== "cpu"), ONNX]);
}

async function compare(engines: string[]): Promise<void> {
  printMachine();
  const torch = await torchTimes();
  const reference = torch ? `PyTorch ${torch.torch}` : "PyTorch";
  const layouts: Layout[] = ["default", "channels_last"];
  const rows: string[][] = [[
    "Unet",
    "engine",
    "ms",
    "samples/s",
    `of ${reference}'s time`,
    "peak MiB",
  ]];
  const refused = new Set<string>();
  for (const work of WORKS) {
    const name = nameOf(work);
    const times = torch?.times[name];
    const baseline = times && Math.min(...layouts.map((layout) => times[layout]));
    const row = (engine: string, { ms, peak }: Figure) =>
      rows.push([
        name,
        engine,
        ms.toFixed(0),
        (1000 * work.batch / ms).toFixed(1),
        baseline ? `${(ms / baseline).toFixed(2)} x` : "",
        peak?.toFixed(0) ?? "",
      ]);
    for (const layout of times ? layouts : []) {
      row(`${reference}, ${layout}`, { ms: times![layout], peak: torch!.peak });
    }
    for (const engine of engines) {
      if (refused.has(engine) || (engine === ONNX && work.training)) continue;
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", fileURLToPath(import.meta.url), "--one", engine, JSON.stringify(work)],
      }).output();
      if (success) {
        row(engine, JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!));
        continue;
      }
      refused.add(engine);
      const reason = /Error: (.*)/.exec(new TextDecoder().decode(stderr))?.[1];
      console.log(`${engine} is left out: ${reason}`);
    }
  }
  printTable(rows);
  if (!torch) console.log("PyTorch: not timed (CRYPTS_TORCH_PYTHON names no Python)");
}

async function measure(engine: string, work: Work): Promise<Figure> {
  const { encoder, side, batch, training } = work;
  const config = { architecture: "Unet", encoder, seed: 1 };
  if (engine === ONNX) {
    await selectBackend("wasm");
    const model = createModel(config);
    const predictor = await onnxPredictor(model);
    model.dispose();
    const tiles = Array.from(
      { length: batch },
      () => Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 31) % 256),
    );
    const ms = await time(() => predictor.predict(tiles, side, side), REPEATS.evaluation);
    return { ms, peak: peakMemory() };
  }
  await selectBackend(engine);
  const model = createModel(config);
  const x = tf.randomNormal([batch, side, side, 3], 0, 1, "float32", 1) as tf.Tensor4D;
  const target = tf.zeros([batch, side, side], "int32") as tf.Tensor3D;
  if (!training) {
    const evaluate = async () => {
      const y = model.predict(x);
      await y.data();
      y.dispose();
    };
    return { ms: await time(evaluate, REPEATS.evaluation), peak: peakMemory() };
  }
  const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
  const step = async () => {
    const { value, grads } = tf.variableGrads(
      () => crossEntropy(model.forward(x, { training: true }), target),
      model.trainable,
    );
    optimizer.applyGradients(grads);
    await value.data();
    await model.trainable[0].data();
    tf.dispose([value, grads]);
  };
  return { ms: await time(step, REPEATS.training), peak: peakMemory() };
}

/** Linux's high-water mark of the resident set, MiB. */
function peakMemory(): number | null {
  try {
    const line = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"));
    return line ? Number(line[1]) / 1024 : null;
  } catch {
    return null;
  }
}

/** PyTorch's medians by work and layout, or null where it is not there. */
async function torchTimes(): Promise<
  { torch: string; times: Record<string, Record<Layout, number>>; peak: number } | null
> {
  const python = Deno.env.get("CRYPTS_TORCH_PYTHON");
  if (!python) return null;
  const script = fileURLToPath(new URL("../scripts/pytorch_roundtrip.py", import.meta.url));
  const { success, stdout, stderr } = await new Deno.Command(python, { args: [script, "time"] })
    .output();
  if (!success) throw new Error(`${python} failed:\n${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
