/**
 * Training steps, the whole loop and its memory: `deno run -A bench/training.ts [BACKEND]`.
 *
 * Baseline of the steps: PyTorch 1.13.1 with segmentation_models_pytorch on two cores, two threads, as
 * `../shared/NOTES.md` gives it (not measured in this run).
 */
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "crypts/backend";
import { crossEntropy } from "crypts/tensor";
import { createModel, type ModelConfig } from "crypts/model";
import { PROFILES } from "crypts/notebook";
import { createRandom } from "crypts/base";
import { Ranger } from "crypts/ranger";
import { type Batch, type StepProgress, trainFolds, trainStep } from "crypts/training";
import { writePatches } from "../tests/support/training_data.ts";
import { printMachine, printTable, time } from "./machine.ts";

const unet = (encoder: string): ModelConfig => ({ architecture: "Unet", encoder });
const CASES = [
  { model: unet("efficientnet-b0"), side: 128, batch: 8, torch: 309, repeats: 5 },
  { model: unet("efficientnet-b2"), side: 256, batch: 2, torch: 401, repeats: 5 },
  { model: unet("efficientnet-b2"), side: 512, batch: 2, torch: 1674, repeats: 3 },
];
const LOOP_PATCHES = 48;
const MEMORY_STEPS = 100;

printMachine();
console.log((await selectBackend(Deno.args[0])).line, "\n");
await benchSteps();
await benchLoop();
await benchMemory();

/** A batch of noise with half of its pixels crypt. */
function noise(count: number, side: number): Batch {
  const random = createRandom(count * side);
  return {
    patches: Array.from({ length: count }, (_, i) => ({
      imagePath: `${i}`,
      maskPath: `${i}`,
      crypt: true,
      image: "noise",
    })),
    images: Float32Array.from({ length: count * side * side * 3 }, () => random.normal()),
    weights: null,
    masks: Uint8Array.from({ length: count * side * side }, () => random.int(2)),
    height: side,
    width: side,
    valid: { height: side, width: side },
  };
}

/** A function that takes one training step. */
function stepper(config: ModelConfig, batch: Batch) {
  const model = createModel(config);
  const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
  const random = createRandom(2);
  return {
    step: async () => {
      await trainStep(model, optimizer, batch, { loss: crossEntropy, random });
      await model.trainable[0].data();
    },
    dispose() {
      optimizer.dispose();
      model.dispose();
    },
  };
}

async function benchSteps(): Promise<void> {
  const rows = [["training step", "ms", "samples/s", "PyTorch ms", "of PyTorch's speed"]];
  for (const { model, side, batch, torch, repeats } of CASES) {
    const { step, dispose } = stepper(model, noise(batch, side));
    const ms = await time(step, repeats);
    dispose();
    rows.push([
      `${model.architecture} ${model.encoder}, ${side} px, batch ${batch}`,
      ms.toFixed(0),
      (1000 * batch / ms).toFixed(2),
      `${torch}`,
      `${(100 * torch / ms).toFixed(0)} %`,
    ]);
  }
  printTable(rows);
}

async function benchLoop(): Promise<void> {
  const { model, patch, batchSize, augmentation } = PROFILES.demo;
  const folder = await Deno.makeTempDir({ prefix: "crypts-bench-" });
  const patches = await writePatches(folder, 3, LOOP_PATCHES / 2, patch);
  console.log(
    `\nthe demo's model (${patch} px, batch ${batchSize}), ${LOOP_PATCHES} patches an epoch, ` +
      "second epoch",
  );
  const rows = [["data", "samples/s", "waiting for data"]];
  for (const workers of [0, 1, 2]) {
    let last: StepProgress | undefined;
    await trainFolds(patches, {
      model,
      modelName: "bench",
      outDir: folder,
      logDir: folder,
      foldCount: 3,
      folds: [0],
      batchSize,
      epochs: 2,
      augmentation,
      workers,
      resume: false,
      onStep: (progress) => last = progress,
    });
    rows.push([
      workers === 0 ? "in the training's thread" : `${workers} worker threads`,
      last!.samplesPerSecond.toFixed(2),
      `${(100 * last!.waitingShare).toFixed(1)} %`,
    ]);
  }
  printTable(rows);
  await Deno.remove(folder, { recursive: true });
}

async function benchMemory(): Promise<void> {
  const { step, dispose } = stepper(PROFILES.demo.model, noise(4, 64));
  console.log(`\nmemory over ${MEMORY_STEPS} steps of the demo's model (64 px, batch 4)`);
  const rows = [["step", "tensors", "tensor MB", "resident MB"]];
  for (let i = 1; i <= MEMORY_STEPS; i++) {
    await step();
    if (i !== 10 && i % 25 !== 0) continue;
    const { numTensors, numBytes } = tf.memory();
    const resident = Deno.memoryUsage().rss;
    rows.push([`${i}`, `${numTensors}`, ...[numBytes, resident].map((b) => (b / 1e6).toFixed(1))]);
  }
  dispose();
  printTable(rows);
}
