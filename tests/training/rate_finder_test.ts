import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { exists } from "../../lib/base/files.ts";
import { createRandom } from "../../lib/base/random.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import type { Patch } from "../../lib/patching/patch_table.ts";
import { findLearningRate, suggestRate } from "../../lib/training/rate_finder.ts";
import { SMALL_MODEL } from "../support/training_data.ts";

await selectBackend("wasm");
const folder = await Deno.makeTempDir({ prefix: "crypts-rates-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

async function drawnPatches(): Promise<Patch[]> {
  const random = createRandom(2), patches: Patch[] = [];
  for (let k = 0; k < 4; k++) {
    const half = (i: number) => (i % 32 < 16) === (k % 2 === 0);
    const mask = Uint8Array.from({ length: 1024 }, (_, i) => half(i) ? 1 : 0);
    const data = Uint8Array.from(
      { length: 3072 },
      (_, i) => (half(Math.floor(i / 3)) ? 60 : 200) + random.int(30),
    );
    const at = (kind: string) => `${folder}/${kind}/p${k}.tiff`;
    await writeRgb(at("images"), { data, height: 32, width: 32 });
    await writeMask(at("masks"), { data: mask, height: 32, width: 32 });
    patches.push({ imagePath: at("images"), maskPath: at("masks"), crypt: true, image: `i${k}` });
  }
  return patches;
}

const patches = await drawnPatches();
const options = {
  ...{ model: SMALL_MODEL, modelName: "small", outDir: `${folder}/out`, logDir: `${folder}/log` },
  ...{ batchSize: 2, augmentation: "none", optimizer: "adam" as const },
};

Deno.test("rates rise by one factor, the loss falls, nothing is written and no tensor is left", async () => {
  const before = tf.memory().numTensors, heard: number[] = [];
  const finder = { steps: 12, from: 1e-4, to: 1e-2, onStep: (step: number) => heard.push(step) };
  const found = await findLearningRate(patches, options, finder);
  assert.equal(tf.memory().numTensors, before);
  assert.equal(await exists(`${folder}/out`), false);
  assert.deepEqual(heard, found.map((_, i) => i + 1));
  assert.equal(found.length, 12);
  assert.ok(Math.abs(found[0].learningRate - 1e-4) < 1e-12);
  assert.ok(Math.abs(found[11].learningRate - 1e-2) < 1e-9);
  const factor = 100 ** (1 / 11);
  found.slice(1).forEach(({ learningRate }, i) =>
    assert.ok(Math.abs(learningRate / found[i].learningRate - factor) < 1e-9)
  );
  assert.ok(found[11].smoothed < found[0].loss);
  assert.deepEqual(
    await findLearningRate(patches, options, { steps: 12, from: 1e-4, to: 1e-2 }),
    found,
  );
});

Deno.test("the running mean is the weighted mean of the losses", async () => {
  const found = await findLearningRate(patches, options, { steps: 5, to: 1e-3 });
  for (let last = 0; last < found.length; last++) {
    const weights = found.slice(0, last + 1).map((_, i) => 0.7 ** (last - i));
    const sum = weights.reduce((total, weight, i) => total + weight * found[i].loss, 0);
    const mean = sum / weights.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(found[last].smoothed - mean) < 1e-9);
  }
});

Deno.test("a search ends when the loss runs away", async () => {
  const found = await findLearningRate(patches, options, { steps: 60, from: 1e-2, to: 1e6 });
  assert.ok(found.length < 60, `${found.length} steps`);
});

Deno.test("a tenth of the rate at the lowest mean is suggested; what makes no sense is refused", async () => {
  const step = (learningRate: number, smoothed: number) => ({ learningRate, smoothed, loss: 0 });
  assert.equal(suggestRate([step(0.01, 2), step(0.1, 1), step(1, 5)]), 0.01);
  assert.throws(() => suggestRate([]), /at least one step/);
  await assert.rejects(findLearningRate([], options), /at least one patch/);
  await assert.rejects(findLearningRate(patches, options, { steps: 1 }), /got 1/);
  await assert.rejects(findLearningRate(patches, options, { from: 1, to: 0.1 }), /got 1 to 0.1/);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(findLearningRate(patches, { ...options, signal }), /enough/);
});
