import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { createRandom } from "../../lib/base/random.ts";
import { readGreyValues } from "../../lib/image/grey_values.ts";
import { writeLabels, writeRgb } from "../../lib/image/write.ts";
import { readSafetensors } from "../../lib/model/safetensors.ts";
import { loadModel } from "../../lib/model/weights.ts";
import type { Patch } from "../../lib/patching/patch_table.ts";
import { readTrainingInfo } from "../../lib/training/checkpoint.ts";
import { evaluate } from "../../lib/training/evaluate.ts";
import { keptEpoch } from "../../lib/training/fold_result.ts";
import type { EpochLog } from "../../lib/training/logs.ts";
import type { TrainOptions } from "../../lib/training/options.ts";
import { createLoss } from "../../lib/tensor/losses.ts";
import { localSource } from "../../lib/training/sample_source.ts";
import { trainFolds } from "../../lib/training/train_folds.ts";
import { SMALL_MODEL } from "../support/training_data.ts";

await selectBackend("wasm");
const folder = await Deno.makeTempDir({ prefix: "crypts-fine-tuning-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

/** Patches of several sizes with pale discs, each with a label of its own, some of them touching. */
async function labelledPatches(): Promise<Patch[]> {
  const random = createRandom(5), patches: Patch[] = [];
  for (let k = 0; k < 6; k++) {
    const height = 40 + 6 * k, width = 70 - 5 * k, labels = new Uint16Array(height * width);
    for (let label = 1; label <= 4; label++) {
      const [cy, cx] = [random.uniform(0, height), random.uniform(0, width)];
      labels.forEach((_, i) => {
        if (Math.hypot(Math.floor(i / width) - cy, i % width - cx) < 11) labels[i] = label;
      });
    }
    const data = new Uint8Array(3 * labels.length);
    for (let i = 0; i < data.length; i++) {
      data[i] = (labels[Math.floor(i / 3)] > 0 ? 190 : 110) + random.int(40);
    }
    const name = `slide_${"abc"[k % 3]}${k}.tiff`;
    const patch = {
      imagePath: `${folder}/patches/${name}`,
      maskPath: `${folder}/masks/${name}`,
      crypt: true,
      image: `slide_${"abc"[k % 3]}`,
    };
    await writeRgb(patch.imagePath, { data, height, width });
    await writeLabels(patch.maskPath, { data: labels, height, width });
    patches.push(patch);
  }
  return patches;
}

const patches = await labelledPatches();

function recipe(name: string, options: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: SMALL_MODEL,
    modelName: "small",
    outDir: `${folder}/${name}/models`,
    logDir: `${folder}/${name}/logs`,
    foldCount: 3,
    folds: [0],
    target: "boundary",
    gapWeight: 4,
    loss: "cross-entropy+class-dice",
    crop: 32,
    cropZoom: 1.2,
    cropRotate: 20,
    epochSteps: 3,
    batchSize: 4,
    epochs: 3,
    optimizer: "adamw",
    learningRate: 5e-3,
    schedule: "one-cycle",
    encoderLearningRate: 0.5,
    frozenEncoderEpochs: 1,
    batchNorm: "frozen",
    weightAveraging: 0.9,
    augmentation: "tissue",
    pixelSize: 1.24,
    workers: 0,
    ...options,
  };
}

/** The values of a checkpoint. */
async function weightsIn(path: string) {
  const { tensors } = await readSafetensors(path);
  return tensors;
}

Deno.test("the recipe for real tissue trains on crops of patches of any size, and says what it was", async () => {
  const before = tf.memory().numTensors;
  const options = recipe("whole", { epochs: 6, frozenEncoderEpochs: 0 });
  const steps: number[] = [];
  const [result] = await trainFolds(patches, { ...options, onStep: (p) => steps.push(p.step) });
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(steps.slice(0, 4), [1, 2, 3, 1]);
  assert.ok(result.epochs.at(-1)!.trainLoss < 0.9 * result.epochs[0].trainLoss);
  const log = (await Deno.readTextFile(`${options.logDir}/small_fold0.csv`)).split("\n");
  assert.equal(log[0], "model_name,train_loss,train_dice,valid_loss,valid_dice,valid_crypt_dice");
  assert.equal(Number(log[2].split(",")[5]), result.epochs[1].validCryptDice);

  const { model, metadata } = await loadModel(result.modelPath);
  assert.equal(model.config.classes, 3);
  const info = readTrainingInfo(metadata)!;
  assert.deepEqual([info.target, info.pixelSize, info.patchSize], ["boundary", 1.24, [32, 32]]);
  const held = patches.filter((p) => p.image === result.validationImages[0]);
  const scores = await evaluate(model, held, {
    batchSize: 1,
    loss: createLoss("cross-entropy+class-dice"),
    source: localSource(null, 0, 0, { target: { target: "boundary", gapWeight: 4 } }),
  });
  assert.ok(Math.abs(scores.loss - result.validLoss) < 1e-4, `${scores.loss}, ${result.validLoss}`);
  assert.ok(Math.abs(scores.softDice - result.validDice) < 1e-5);
  model.dispose();
});

Deno.test("what was mirrored to fit the model is not scored: Dice of crypt is that of the image itself", async () => {
  const [result] = await trainFolds(patches, recipe("scored", { epochs: 1 }));
  const { model } = await loadModel(result.modelPath);
  const [patch] = patches;
  const source = localSource(null, 0, 0, { target: { target: "boundary" } });
  const { image } = await source.prepare({ ...patch, stream: null });
  const { dice } = await evaluate(model, [patch], { source });
  const labels = await readGreyValues(patch.maskPath, image);
  // By hand: mirror, predict, cut, count.
  const [height, width] = [image.height, image.width].map((v) => Math.ceil(v / 8) * 8);
  const at = (i: number, n: number) => i < n ? i : 2 * (n - 1) - i;
  const { mean, std } = model.preprocessing;
  const x = tf.tensor4d(
    Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const c = i % 3, p = Math.floor(i / 3), y = Math.floor(p / width);
      const from = at(y, image.height) * image.width + at(p % width, image.width);
      return (image.data[3 * from + c] / 255 - mean[c]) / std[c];
    }),
    [1, height, width, 3],
  );
  const p = tf.tidy(() => tf.softmax(model.forward(x))).dataSync();
  let [both, either] = [0, 0];
  labels.data.forEach((label, i) => {
    const y = Math.floor(i / image.width), k = y * width + i % image.width;
    const crypt = p[3 * k] < 0.5;
    both += crypt && label > 0 ? 2 : 0;
    either += Number(crypt) + Number(label > 0);
  });
  assert.ok(either > 0);
  assert.ok(Math.abs(dice - both / either) < 1e-6, `${dice}, ${both / either}`);
  x.dispose();
  model.dispose();
});

Deno.test("a frozen encoder keeps weights and statistics in its epochs, frozen batch norms their statistics in all", async () => {
  const start = recipe("start", { epochs: 1, learningRate: 1e-12, weightDecay: 0 });
  await trainFolds(patches, start);
  const initial = await weightsIn(`${start.outDir}/last/small_fold0.safetensors`);
  const changed = async (name: string, options: Partial<TrainOptions>) => {
    const own = recipe(name, options);
    await trainFolds(patches, own);
    const now = await weightsIn(`${own.outDir}/last/small_fold0.safetensors`);
    const kinds = { weights: 0, statistics: 0, decoder: 0 };
    for (const [key, { values }] of initial) {
      if (/^(optimizer|average)\.|num_batches/.test(key)) continue;
      const far = values.some((v, i) => Math.abs(v - now.get(key)!.values[i]) > 1e-6);
      if (!far) continue;
      const kind = !key.startsWith("encoder.")
        ? "decoder"
        : /running_/.test(key)
        ? "statistics"
        : "weights";
      kinds[kind]++;
    }
    return kinds;
  };
  const frozen = await changed("frozen", { epochs: 1 });
  assert.deepEqual([frozen.weights, frozen.statistics], [0, 0]);
  assert.ok(frozen.decoder > 10);
  const thawed = await changed("thawed", { epochs: 2 });
  assert.ok(thawed.weights > 20);
  assert.equal(thawed.statistics, 0);
  const free = await changed("free", { epochs: 2, batchNorm: "train" });
  assert.ok(free.statistics > 10);
});

Deno.test("the recipe goes on after a stop with the same weights, averages included, bit for bit", async () => {
  const stopFile = `${folder}/STOP`;
  const stopped = recipe("stopped", { stopFile });
  await trainFolds(patches, {
    ...stopped,
    onEpoch: ({ epoch }) => epoch === 2 && Deno.writeTextFileSync(stopFile, ""),
  });
  await trainFolds(patches, stopped);
  const whole = recipe("unstopped", { stopFile });
  const [result] = await trainFolds(patches, whole);
  assert.equal(result.epochs.length, 3);
  for (const file of ["small_fold0.safetensors", "last/small_fold0.safetensors"]) {
    const [a, b] = await Promise.all(
      [stopped, whole].map(({ outDir }) => weightsIn(`${outDir}/${file}`)),
    );
    const differing = [...a].filter(([name, { values }]) =>
      values.some((v, i) => !Object.is(v, b.get(name)!.values[i]))
    );
    assert.deepEqual([differing.map(([name]) => name), a.size], [[], b.size], file);
  }
});

Deno.test("the weights of the last epoch are kept where that is asked for, whatever the validation losses", async () => {
  const log = (validLoss: number) => ({ validLoss }) as EpochLog;
  const losses = [3, 1, 2].map(log), limits = { epochs: 3, patience: 3 };
  assert.equal(keptEpoch(losses, { ...limits, keep: "best" }), 1);
  assert.equal(keptEpoch(losses, { ...limits, keep: "last" }), 2);
  assert.equal(keptEpoch([], { ...limits, keep: "last" }), -1);
  const options = recipe("last", { keep: "last", learningRate: 0.2, schedule: "constant" });
  const [result] = await trainFolds(patches, options);
  const { model, metadata } = await loadModel(result.modelPath);
  assert.deepEqual([result.bestEpoch, readTrainingInfo(metadata)!.epoch], [3, 3]);
  assert.equal(result.validLoss, result.epochs[2].validLoss);
  model.dispose();
});

Deno.test("settings of the recipe out of range are refused by name before anything starts", async () => {
  const refuse = (options: Partial<TrainOptions>, message: RegExp) =>
    assert.rejects(trainFolds(patches, recipe("bad", options)), message);
  await refuse({ crop: 0 }, /crop must be a positive integer, got 0/);
  await refuse({ epochSteps: 2.5 }, /epochSteps must be a positive integer, got 2.5/);
  await refuse({ cropZoom: 0.5 }, /cropZoom must be in \[1, 4\], got 0.5/);
  await refuse({ cropRotate: 200 }, /cropRotate must be in \[0, 180\] degrees, got 200/);
  await refuse(
    { encoderLearningRate: 0 },
    /encoderLearningRate must be a factor in \(0, 10\], got 0/,
  );
  await refuse({ frozenEncoderEpochs: -1 }, /frozenEncoderEpochs must be an integer >= 0, got -1/);
  await refuse({ batchNorm: "eval" as "train" }, /batchNorm must be "train" or "frozen", got eval/);
  await refuse({ keep: "first" as "last" }, /keep must be "best" or "last", got first/);
  await refuse({ weightAveraging: 1 }, /weightAveraging must be a decay in \[0, 1\), got 1/);
  await refuse({ pixelSize: 0 }, /pixelSize must be positive/);
  await refuse({ target: "edge" as "crypt" }, /target must be one of crypt, boundary, got "edge"/);
  await refuse(
    { model: { ...SMALL_MODEL, classes: 2 } },
    /model.classes must be 3 for the target "boundary" .* got 2/,
  );
});
