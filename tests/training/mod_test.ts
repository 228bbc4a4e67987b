import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import type { AdaptiveOptimizer } from "../../lib/ranger/adaptive_optimizer.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { IMAGENET } from "../../lib/image/normalize.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { crossEntropy } from "../../lib/tensor/losses.ts";
import { loadModel } from "../../lib/model/weights.ts";
import type { SegmentationModel } from "../../lib/model/types.ts";
import { preparePatches } from "../../lib/patching/prepare.ts";
import { createRandom } from "../../lib/base/random.ts";
import { DivergedError } from "../../lib/training/stopping.ts";
import type { EpochLog } from "../../lib/training/logs.ts";
import { evaluate } from "../../lib/training/evaluate.ts";
import { type Patch, readTrainData } from "../../lib/patching/patch_table.ts";
import { parentImage } from "../../lib/patching/patch_names.ts";
import { readTrainingInfo } from "../../lib/training/checkpoint.ts";
import { splitFolds } from "../../lib/training/folds.ts";
import { trainFolds } from "../../lib/training/train_folds.ts";
import type { TrainOptions } from "../../lib/training/options.ts";
import { earlyStopping } from "../../lib/training/early_stopping.ts";
import { type Batch, feedBatches } from "../../lib/training/feeder.ts";
import { shuffledOrder } from "../../lib/training/order.ts";
import { localSource } from "../../lib/training/sample_source.ts";
import { trainStep } from "../../lib/training/step.ts";
import { workerSource } from "../../lib/training/worker_source.ts";
import { createAugmentation } from "../../lib/augment/presets.ts";
import { blockMask, noiseImage } from "../support/tiny_dataset.ts";
import { SMALL_MODEL, writePatches } from "../support/training_data.ts";

await selectBackend("wasm");
const folder = await Deno.makeTempDir({ prefix: "crypts-training-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const patches = await writePatches(folder);

/** Options of a short training in a folder of its own. */
function shortTraining(name: string, options: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: SMALL_MODEL,
    modelName: "small",
    outDir: `${folder}/${name}/models`,
    logDir: `${folder}/${name}/logs`,
    foldCount: 3,
    folds: [0],
    batchSize: 4,
    epochs: 2,
    learningRate: 1e-2,
    workers: 0,
    ...options,
  };
}

/** Patches without files, for what looks at names only. */
function named(images: Record<string, number>): Patch[] {
  return Object.entries(images).flatMap(([image, count]) =>
    Array.from({ length: count }, (_, i) => ({
      imagePath: `/patches/${image}_${i}.tiff`,
      maskPath: `/masks/${image}_${i}.tiff`,
      crypt: i % 4 === 0,
      image,
    }))
  );
}

Deno.test("a patch's parent image is found by its name, also where ids end in digits", () => {
  assert.equal(
    parentImage("/x/patches/HandE_B005_CL_b_RGB_topleft17.tiff"),
    "HandE_B005_CL_b_RGB_topleft",
  );
  assert.equal(parentImage("train_2_13.tiff"), "train_2");
  assert.equal(parentImage("train_21_3.tiff"), "train_21");
  assert.throws(
    () => parentImage("/x/whole.tiff"),
    /\/x\/whole.tiff: a patch is named <image><index>/,
  );
});

Deno.test("train_data.csv is read with paths from its folder, and its mistakes are named", async () => {
  const csv = `${folder}/train_data.csv`;
  const head = "Train_image_path,Train_mask_path,class\n";
  await Deno.writeTextFile(
    csv,
    `${head}patches/a_1_0.tiff,masks/a_1_0.tiff,1\n/b12.tiff,/m.tiff,0\n`,
  );
  assert.deepEqual(await readTrainData(csv), [
    {
      imagePath: `${folder}/patches/a_1_0.tiff`,
      maskPath: `${folder}/masks/a_1_0.tiff`,
      crypt: true,
      image: "a_1",
    },
    { imagePath: "/b12.tiff", maskPath: "/m.tiff", crypt: false, image: "b" },
  ]);
  await Deno.writeTextFile(csv, `${head}a0.tiff,a0.tiff,1\na1.tiff,a1.tiff,7\n`);
  await assert.rejects(readTrainData(csv), /train_data.csv, row 3: class must be 0 or 1, got "7"/);
  await Deno.writeTextFile(csv, "Train_image_path,class\na0.tiff,1\n");
  await assert.rejects(readTrainData(csv), /Train_mask_path/);
  await assert.rejects(readTrainData(`${folder}/none.csv`), /none.csv/);
});

Deno.test("patches cut from train_2 and train_21 keep their own files and find their image again", async () => {
  const root = `${folder}/digits`;
  for (const id of ["train_2", "train_21"]) {
    await writeRgb(`${root}/train/${id}.tiff`, noiseImage(64, 64, id.length));
    await writeMask(`${root}/train_mask/${id}.tiff`, blockMask(64, 64, id.length));
  }
  await writeRgb(`${root}/test/other.tiff`, noiseImage(64, 64));
  await Deno.writeTextFile(`${root}/train.csv`, "id,predicted\ntrain_2,1 5\ntrain_21,1 5\n");
  await Deno.writeTextFile(`${root}/test.csv`, "id,predicted\nother,1 5\n");
  const { train } = await openDataset(root);
  const csvPath = `${root}/train_data.csv`;
  await preparePatches(train, {
    window: [16, 16],
    step: [16, 16],
    mode: "valid",
    outDir: root,
    csvPath,
  });
  const read = await readTrainData(csvPath);
  assert.equal(new Set(read.map((p) => p.imagePath)).size, read.length);
  const counts = Object.groupBy(read, (p) => p.image);
  assert.deepEqual(Object.keys(counts), ["train_2", "train_21"]);
  assert.ok(
    counts.train_2!.length > 13 && counts.train_21!.length > 3,
    "no collision was possible",
  );
});

Deno.test("folds validate images 2, 0, 1, 3, 4 and never train on a patch of a validation image", () => {
  const five = named({ a: 3, b: 5, c: 2, d: 4, e: 6 });
  const folds = splitFolds(five, 5);
  assert.deepEqual(folds.map((f) => f.validationImages), [["c"], ["a"], ["b"], ["d"], ["e"]]);
  for (const { train, validation } of folds) {
    assert.equal(train.length + validation.length, five.length);
    const held = new Set(validation.map((p) => p.image));
    assert.ok(train.every((p) => !held.has(p.image)));
  }
  assert.throws(
    () => splitFolds(named({ a: 9, b: 9 }), 5),
    /5 folds need at least 5 images .* a, b/,
  );
});

Deno.test("folds by donor keep a donor's images together", () => {
  const donor = (image: string) => image[0];
  const folds = splitFolds(named({ x1: 2, y1: 2, x2: 2, z1: 2, y2: 2 }), 3, { groupOf: donor });
  const held = folds.map((f) => f.validationImages.join());
  assert.deepEqual(held.sort(), ["x1,x2", "y1,y2", "z1"]);
});

Deno.test("an epoch visits every patch once in an order of its own; balanced, both kinds as often", () => {
  const some = named({ a: 21 });
  const plain = shuffledOrder(some, 4, createRandom(1).fork("epoch 1"));
  assert.deepEqual(plain.map((b) => b.length), [4, 4, 4, 4, 4, 1]);
  assert.deepEqual(plain.flat().sort((a, b) => a - b), some.map((_, i) => i));
  assert.deepEqual(plain, shuffledOrder(some, 4, createRandom(1).fork("epoch 1")));
  assert.notDeepEqual(plain, shuffledOrder(some, 4, createRandom(1).fork("epoch 2")));
  const balanced = shuffledOrder(some, 4, createRandom(1), true).flat();
  assert.equal(balanced.length, 21);
  assert.equal(balanced.filter((i) => some[i].crypt).length, 11);
  const counts = some.map((_, i) => balanced.filter((j) => j === i).length);
  const crypt = counts.filter((_, i) => some[i].crypt);
  assert.ok(Math.max(...crypt) - Math.min(...crypt) <= 1, `${crypt}`);
});

Deno.test("patience is set back at every improvement and training ends when none is left", () => {
  assert.deepEqual(earlyStopping([], 2), { best: -1, patienceLeft: 2 });
  assert.deepEqual(earlyStopping([5, 6], 2), { best: 0, patienceLeft: 1 });
  assert.deepEqual(earlyStopping([5, 6, 4], 2), { best: 2, patienceLeft: 2 });
  assert.deepEqual(earlyStopping([5, 6, 4, 4, 4.5], 2), { best: 2, patienceLeft: 0 });
  assert.deepEqual(earlyStopping([5, 6, 7, 1], 2), { best: 0, patienceLeft: 0 });
});

Deno.test("batches are the same for any number of worker threads, and differ between epochs", async () => {
  const order = shuffledOrder(patches, 5, createRandom(3));
  const run = async (workers: number, stream: string) => {
    const source = workers === 0
      ? localSource(createAugmentation("flips"), 9, 0)
      : workerSource({ augmentation: "flips", seed: 9, cacheBytes: 1e6 }, workers);
    const out: Batch[] = [];
    for await (
      const batch of feedBatches(patches, order, source, {
        preprocessing: IMAGENET,
        stream,
      })
    ) out.push(batch);
    source.close();
    return out;
  };
  const plain = await run(0, "epoch 1");
  assert.deepEqual(plain.flatMap((b) => b.patches), order.flat().map((i) => patches[i]));
  assert.deepEqual(await run(1, "epoch 1"), plain);
  assert.deepEqual(await run(2, "epoch 1"), plain);
  assert.notDeepEqual((await run(0, "epoch 2"))[0].masks, plain[0].masks);
});

Deno.test("the feeder names the file that is missing, or of another size than its batch", async () => {
  const [odd] = await writePatches(`${folder}/odd`, 1, 1, 48);
  const missing = { ...patches[0], imagePath: `${folder}/patches/gone0.tiff` };
  const consume = async (list: Patch[], workers: number) => {
    const source = workers === 0
      ? localSource(null, 0, 0)
      : workerSource({ augmentation: "none", seed: 0, cacheBytes: 0 }, workers);
    try {
      const order = [list.map((_, i) => i)];
      for await (
        const _ of feedBatches(list, order, source, {
          preprocessing: IMAGENET,
          stream: null,
        })
      );
    } finally {
      source.close();
    }
  };
  for (const workers of [0, 1]) {
    await assert.rejects(consume([patches[0], missing], workers), /gone0.tiff/);
    await assert.rejects(consume([patches[0], odd], workers), /odd.*48 x 48.*32 x 32/s);
  }
});

Deno.test("training learns, writes its files exactly, repeats itself and leaves no tensor behind", async () => {
  const before = tf.memory().numTensors;
  const logs: EpochLog[] = [];
  const steps: number[] = [];
  const options = shortTraining("learn", {
    folds: [1, 0],
    epochs: 5,
    batchSize: 2,
    scale: 0.5,
    augmentation: "flips",
    onEpoch: (log) => logs.push(log),
    onStep: (p) => {
      steps.push(p.step);
      assert.ok(p.samplesPerSecond > 0 && p.waitingShare >= 0 && p.waitingShare <= 1);
    },
  });
  const results = await trainFolds(patches, options);
  assert.equal(tf.memory().numTensors, before);
  assert.deepEqual(results.map((r) => r.fold), [1, 0]);
  const [first] = results;
  assert.deepEqual(steps.slice(0, 5), [1, 2, 3, 4, 1]);
  assert.deepEqual(logs, results.flatMap((r) => r.epochs));
  assert.ok(first.epochs.at(-1)!.trainLoss < 0.7 * first.epochs[0].trainLoss, JSON.stringify(logs));
  assert.equal(first.validLoss, Math.min(...first.epochs.map((e) => e.validLoss)));

  const rows = (await Deno.readTextFile(`${options.logDir}/small_fold1.csv`)).trim().split("\n");
  assert.equal(rows[0], "model_name,train_loss,train_dice,valid_loss,valid_dice");
  assert.equal(rows.length, 1 + first.epochs.length);
  const cells = rows[2].split(",");
  const { trainLoss, trainDice, validLoss, validDice } = first.epochs[1];
  assert.equal(cells[0], "small_fold1");
  assert.deepEqual(cells.slice(1).map(Number), [trainLoss, trainDice, validLoss, validDice]);
  const report = (await Deno.readTextFile(`${options.logDir}/small_report.csv`)).trim().split("\n");
  assert.equal(report[0], "model name,valid_loss");
  assert.deepEqual(report.slice(1).map((r) => r.split(",")[0]), ["small_fold0", "small_fold1"]);
  assert.equal(Number(report[2].split(",")[1]), first.validLoss);

  const { model, metadata } = await loadModel(first.modelPath);
  const info = readTrainingInfo(metadata)!;
  assert.equal(info.scale, 0.5);
  assert.deepEqual(info.patchSize, [32, 32]);
  assert.equal(info.epoch, first.bestEpoch);
  assert.deepEqual(info.validationImages, ["slide_b"]);
  const held = patches.filter((p) => p.image === "slide_b");
  const scores = await evaluate(model, held, { batchSize: 3 });
  assert.ok(Math.abs(scores.loss - first.validLoss) < 1e-5, `${scores.loss}, ${first.validLoss}`);
  assert.ok(Math.abs(scores.softDice - first.validDice) < 1e-5);
  assert.deepEqual(scores.patches.map((s) => s.patch), held);
  model.dispose();

  const again = await trainFolds(patches, {
    ...options,
    folds: [1],
    workers: 1,
    outDir: `${folder}/learn2/models`,
    logDir: `${folder}/learn2/logs`,
    onEpoch: undefined,
  });
  assert.deepEqual(again[0].epochs, first.epochs);
  assert.deepEqual(await Deno.readFile(again[0].modelPath), await Deno.readFile(first.modelPath));
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("a finished training is not repeated, a longer one goes on, other settings start anew", async () => {
  const messages: string[] = [];
  const options = shortTraining("again", { epochs: 1, onMessage: (text) => messages.push(text) });
  let epochs = 0;
  options.onEpoch = () => epochs++;
  const [once] = await trainFolds(patches, options);
  assert.deepEqual(await trainFolds(patches, options), [once]);
  assert.equal(epochs, 1);
  const [longer] = await trainFolds(patches, { ...options, epochs: 2 });
  assert.equal(epochs, 2);
  assert.deepEqual(longer.epochs[0], once.epochs[0]);
  await trainFolds(patches, { ...options, batchSize: 3 });
  assert.equal(epochs, 3);
  assert.match(messages.at(-2)!, /small_fold0 starts anew: batchSize changed/);
  await trainFolds(patches, { ...options, batchSize: 3, resume: false });
  assert.equal(epochs, 4);
});

Deno.test("an abort rejects with its reason, a stop file ends with what is finished", async () => {
  const before = tf.memory().numTensors;
  const control = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(
    trainFolds(
      patches,
      shortTraining("abort", { signal: control.signal, onStep: () => control.abort(reason) }),
    ),
    reason,
  );
  const stopFile = `${folder}/stop-now`;
  const stop = () => Deno.writeTextFileSync(stopFile, "");
  const early = shortTraining("stop", { stopFile, onStep: stop });
  assert.deepEqual(await trainFolds(patches, early), []);
  const [result, ...others] = await trainFolds(patches, {
    ...early,
    folds: [0, 1],
    onStep: undefined,
    onEpoch: stop,
  });
  assert.deepEqual(others, []);
  assert.equal(result.ended, "stop file");
  assert.equal(result.epochs.length, 1);
  await assert.rejects(Deno.stat(stopFile), Deno.errors.NotFound);
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("a loss that is not finite ends training, names the batch's files and keeps the best", async () => {
  const before = tf.memory().numTensors;
  await assert.rejects(
    trainFolds(patches, shortTraining("nan", { learningRate: 1e30, batchSize: 2 })),
    (error: Error) => {
      assert.ok(error instanceof DivergedError);
      assert.match(
        error.message,
        /loss is \S+ in epoch 1, step 2, for the batch .*slide_\w\d.tiff, /,
      );
      return true;
    },
  );
  const late = shortTraining("late-nan", {
    batchSize: 8,
    epochs: 3,
    learningRate: 1e30,
    schedule: { kind: "one-cycle", warmup: 1, startDivisor: 1e34 },
  });
  await assert.rejects(
    trainFolds(patches, late),
    /epoch [23].*best weights \(epoch 1\) are kept in/,
  );
  const { model, metadata } = await loadModel(`${late.outDir}/small_fold0.safetensors`);
  assert.equal(readTrainingInfo(metadata)!.epoch, 1);
  model.dispose();
  assert.equal(tf.memory().numTensors, before);
});

/** One convolution without batch norm: what steps do to gradients can be followed. */
function plainModel(name: string): SegmentationModel {
  const filter = tf.tidy(() =>
    tf.variable(tf.randomNormal([3, 3, 3, 2], 0, 0.1, "float32", 5), true, `${name}/filter`)
  );
  const forward = (x: tf.Tensor4D) => tf.conv2d(x, filter as unknown as tf.Tensor4D, 1, "same");
  return { trainable: [filter], forward } as unknown as SegmentationModel;
}

/** Stands for an optimizer and keeps the gradient it is given. */
function recordingOptimizer() {
  const seen: Float32Array[] = [];
  const applyGradients = (gradients: tf.NamedTensorMap) => {
    for (const g of Object.values(gradients)) seen.push(g.dataSync() as Float32Array);
  };
  return { seen, optimizer: { applyGradients } as unknown as AdaptiveOptimizer };
}

Deno.test("accumulated gradients are the whole batch's, clipped ones have the limit as their norm", async () => {
  const model = plainModel("plain");
  const source = localSource(null, 0, 0);
  const feed = feedBatches(patches, [[0, 1, 2, 3, 4]], source, {
    preprocessing: IMAGENET,
    stream: null,
  });
  const batch = (await feed.next()).value as Batch;
  const before = tf.memory().numTensors;
  const { seen, optimizer } = recordingOptimizer();
  const options = { loss: crossEntropy, random: createRandom(0) };
  const whole = await trainStep(model, optimizer, batch, options);
  const parts = await trainStep(model, optimizer, batch, { ...options, microBatchSize: 2 });
  assert.ok(Math.abs(whole.loss - parts.loss) < 1e-6);
  assert.ok(Math.abs(whole.dice - parts.dice) < 1e-6);
  seen[0].forEach((g, i) => assert.ok(Math.abs(g - seen[1][i]) < 1e-6, `${g}, ${seen[1][i]}`));
  const norm = Math.hypot(...seen[0]);
  await trainStep(model, optimizer, batch, { ...options, clipNorm: norm / 3 });
  await trainStep(model, optimizer, batch, { ...options, clipNorm: norm * 3 });
  assert.ok(Math.abs(Math.hypot(...seen[2]) - norm / 3) < 1e-5 * norm);
  assert.deepEqual(seen[3], seen[0]);
  assert.equal(tf.memory().numTensors, before);
  tf.dispose(model.trainable);
});

Deno.test("settings out of range are refused by name", async () => {
  const before = tf.memory().numTensors;
  const refuse = (options: Partial<TrainOptions>, message: RegExp) =>
    assert.rejects(trainFolds(patches, shortTraining("bad", options)), message);
  await refuse({ batchSize: 0 }, /batchSize must be a positive integer, got 0/);
  await refuse({ folds: [3] }, /folds must be some of 0..2, got \[3\]/);
  await refuse({ scale: 2 }, /scale must be in \(0, 1\], got 2/);
  await refuse(
    { model: { ...SMALL_MODEL, classes: 1 } },
    /model.classes must be at least 2 .* got 1/,
  );
  await refuse({ modelName: "a/b" }, /modelName must be letters, .* got a\/b/);
  await refuse({ augmentation: "blur" }, /unknown augmentation "blur"; known: none, flips/);
  await refuse(
    { optimizer: "sgd" as "adam" },
    /optimizer must be "ranger", "adam" or "adamw", got sgd/,
  );
  assert.equal(tf.memory().numTensors, before);
});
