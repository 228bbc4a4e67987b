import assert from "node:assert/strict";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { type ImageRecord, openDataset } from "../../lib/dataset/dataset.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { type ImagePrediction, predictDataset } from "../../lib/inference/dataset.ts";
import { modelPredictor } from "../../lib/inference/predictor.ts";
import { openEnsemble } from "../../lib/inference/ensemble.ts";
import { predictImage } from "../../lib/inference/predict.ts";
import { writeDiceReport, writeSubmission } from "../../lib/inference/reports.ts";
import { diceScore } from "../../lib/annotation/metrics.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { saveWeights } from "../../lib/model/weights.ts";
import { normalizeRgb } from "../../lib/image/normalize.ts";
import { createRandom } from "../../lib/base/random.ts";
import { decodeRle, encodeRle } from "../../lib/annotation/rle.ts";
import { cutTile, padToTiles, stitchTiles, tilePositions } from "../../lib/stitching/tiles.ts";
import { fakePredictor } from "../support/predictors.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { withFolder } from "../support/temporary.ts";

function noise(height: number, width: number, seed = 1): RgbImage {
  const random = createRandom(seed);
  return {
    data: Uint8Array.from({ length: height * width * 3 }, () => random.int(256)),
    height,
    width,
  };
}

const SMALL = {
  architecture: "Unet",
  encoder: "efficientnet-b0",
  decoderChannels: [16, 12, 8, 8, 4],
} as const;
const small = () => ({ ...SMALL, decoderChannels: [...SMALL.decoderChannels] });

Deno.test("a model's predictor gives 1 - p(background), of three classes p(boundary) too, and leaves no tensor behind", async () => {
  await selectBackend("wasm");
  const before = tf.memory().numTensors;
  for (const classes of [1, 2, 3]) {
    const model = createModel({ ...small(), classes, seed: 5 });
    const predictor = modelPredictor(model);
    assert.equal(predictor.channels, classes === 3 ? 2 : 1);
    const tiles = [noise(32, 64, 1).data, noise(32, 64, 2).data];
    const held = tf.memory().numTensors;
    const got = await predictor.predict(tiles, 32, 64);
    const warm = tf.memory().numTensors;
    await predictor.predict(tiles, 32, 64);
    assert.equal(tf.memory().numTensors, warm, "a second call keeps nothing more");
    assert.ok(warm >= held);
    for (const [i, tile] of tiles.entries()) {
      const logits = tf.tidy(() => {
        const x = tf.tensor4d(normalizeRgb(tile, model.preprocessing), [1, 32, 64, 3]);
        return model.forward(x).dataSync() as Float32Array;
      });
      for (let p = 0; p < 32 * 64; p++) {
        const own = [...logits.subarray(p * classes, (p + 1) * classes)].map(Math.exp);
        const all = own.reduce((a, b) => a + b);
        const expected = classes === 1 ? own[0] / (1 + own[0]) : 1 - own[0] / all;
        assert.ok(Math.abs(got[i][p] - expected) < 1e-5);
        if (classes === 3) {
          assert.ok(Math.abs(got[i][32 * 64 + p] - own[2] / all) < 1e-5, "the boundary's");
        }
      }
    }
    await assert.rejects(predictor.predict([new Uint8Array(5)], 32, 64), /tile 0 must be 32 x 64/);
    predictor.dispose();
  }
  assert.equal(tf.memory().numTensors, before);
});

Deno.test("mode original is padding with 255, tiling, stitching and unpadding", async () => {
  const image = noise(70, 101);
  // Depends on all channels and on the place in the tile, so that any shift would show.
  const answer = (r: number, g: number, b: number, y: number, x: number) =>
    (r + 2 * g + 4 * b) / 3570 + (y * 32 + x) / 2048;
  for (const batchSize of [1, 3, 8]) {
    const model = fakePredictor(answer);
    let heard: [number, number] = [0, 0];
    const got = await predictImage(image, [model], {
      tile: 32,
      mode: "original",
      batchSize,
      onTile: (done, total) => heard = [done, total],
    });
    const padded = padToTiles(image, 32);
    const tiles = tilePositions(70, 101, 32).map((position) => cutTile(padded, position, 32));
    const expected = stitchTiles(await model.predict(tiles, 32, 32), 70, 101, 32);
    assert.deepEqual(got, expected);
    assert.deepEqual(heard, [12, 12]);
    assert.equal(model.tiles, 24);
  }
});

Deno.test("mode sliding mirrors an image that is smaller than a window, as np.pad(…, 'reflect') does", async () => {
  const image = noise(5, 40);
  const answer = (r: number, g: number, b: number, y: number, x: number) =>
    (r + 2 * g + 4 * b) / 3570 + (y * 32 + x) / 2048;
  let seen: Uint8Array[] = [];
  const model = fakePredictor(answer), { predict } = model;
  const spy = {
    ...model,
    predict: (tiles: Uint8Array[], height: number, width: number) => {
      seen = tiles;
      return predict.call(model, tiles, height, width);
    },
  };
  const options = { tile: 32, mode: "sliding" as const, weights: "constant" as const };
  const got = await predictImage(image, [spy], options);
  assert.equal(seen.length, 2);
  // 0 1 2 3 4 3 2 1 0 1 …
  const rows = Array.from({ length: 32 }, (_, y) => y % 8 <= 4 ? y % 8 : 8 - y % 8);
  seen.forEach((tile, i) => {
    const left = 8 * i;
    const expected = rows.flatMap((row) => [
      ...image.data.subarray(3 * (row * 40 + left), 3 * (row * 40 + left + 32)),
    ]);
    assert.deepEqual([...tile], expected, `window ${i}`);
  });
  assert.equal(got.length, 5 * 40);
  assert.ok(got.every((p) => p > 0 && p < 1));
});

Deno.test("models are averaged, or their maximum is taken", async () => {
  const image = noise(40, 40);
  const a = fakePredictor((r) => r / 255), b = fakePredictor((_, g) => g / 255);
  const c = fakePredictor((_r, _g, b) => b / 255);
  const mean = await predictImage(image, [a, b, c], { tile: 32, mode: "original" });
  const max = await predictImage(image, [a, b, c], { tile: 32, mode: "original", combine: "max" });
  for (let i = 0; i < 1600; i++) {
    const own = [...image.data.subarray(3 * i, 3 * i + 3)].map((v) => v / 255);
    assert.ok(Math.abs(mean[i] - (own[0] + own[1] + own[2]) / 3) < 1e-6);
    assert.ok(Math.abs(max[i] - Math.max(...own)) < 1e-6);
  }
});

Deno.test("bad ensembles and settings are refused, naming what was found", async () => {
  const image = noise(8, 8), model = fakePredictor(() => 0, { sideMultiple: 32 });
  const options = { tile: 32, mode: "original" as const };
  await assert.rejects(predictImage(image, [], options), /at least one model/);
  await assert.rejects(
    predictImage(image, [model, fakePredictor(() => 0, { name: "other", classes: 3 })], options),
    /"fake" has 2, "other" has 3/,
  );
  await assert.rejects(
    predictImage(image, [model], { ...options, tile: 48 }),
    /multiple of 32.*48/,
  );
  await assert.rejects(predictImage(image, [model], { ...options, batchSize: 0 }), /batchSize.*0/);
  const stop = AbortSignal.abort(new Error("enough"));
  await assert.rejects(predictImage(image, [model], { ...options, signal: stop }), /enough/);
});

Deno.test("model files become an ensemble; what does not fit is refused, naming the file", async () => {
  await selectBackend("wasm");
  await withFolder(async (folder) => {
    const before = tf.memory().numTensors;
    const save = async (name: string, change: object, metadata: Record<string, string> = {}) => {
      const model = createModel({ ...small(), ...change, seed: 1 });
      await saveWeights(model, join(folder, name), metadata);
      model.dispose();
      return join(folder, name);
    };
    const trained = (scale: number) => ({
      "crypts.training": JSON.stringify({ scale, patchSize: [64, 64] }),
    });
    const first = await save("a.safetensors", {}, trained(0.5));
    const second = await save("b.safetensors", {}, trained(0.25));
    const three = await save("c.safetensors", { classes: 3 });
    const ensemble = await openEnsemble([first], { engine: "tensorflow" });
    assert.deepEqual([ensemble.scale, ensemble.tile], [0.5, 64]);
    assert.equal(ensemble.predictors[0].engine, "TensorFlow.js (wasm)");
    assert.equal(ensemble.predictors[0].name, "a.safetensors");
    const tf32 = await ensemble.predictors[0].predict([noise(64, 64).data], 64, 64);
    ensemble.dispose();
    const onnx = await openEnsemble([first]);
    assert.equal(onnx.predictors[0].engine, "ONNX Runtime", "the default on a processor");
    const ort = await onnx.predictors[0].predict([noise(64, 64).data], 64, 64);
    onnx.dispose();
    assert.ok(tf32[0].every((p, i) => Math.abs(p - ort[0][i]) < 1e-4), "ONNX Runtime agrees");
    const said: string[] = [];
    const hopeless = { threads: -1, onMessage: (line: string) => void said.push(line) };
    const fallen = await openEnsemble([first], hopeless);
    assert.equal(fallen.predictors[0].engine, "TensorFlow.js (wasm)");
    assert.equal(said.length, 1);
    assert.match(
      said[0],
      /^a\.safetensors: TensorFlow\.js \(wasm\) instead of ONNX Runtime \(.*-1\)$/,
    );
    fallen.dispose();
    await assert.rejects(openEnsemble([first], { ...hopeless, engine: "onnx" }), /ONNX Runtime/);
    await assert.rejects(
      openEnsemble([first], { engine: JSON.parse('"torch"') }),
      /engine must be one of auto, onnx, tensorflow, got "torch"/,
    );
    await assert.rejects(openEnsemble([]), /at least one model file/);
    await assert.rejects(
      openEnsemble([first, three]),
      /a\.safetensors has 2, .*c\.safetensors has 3/,
    );
    await assert.rejects(
      openEnsemble([first, second]),
      /scale 0\.5 on patches of 64, .*b\.saf.*0\.25/,
    );
    await assert.rejects(
      openEnsemble([first], { expect: { encoder: "resnet18" } }),
      /a\.safetensors has encoder efficientnet-b0, expected resnet18/,
    );
    await assert.rejects(
      openEnsemble([join(folder, "x.h5")]),
      /x\.h5 must be a file of the kind \.safetensors/,
    );
    await assert.rejects(openEnsemble([join(folder, "no.safetensors")]), /no\.safetensors/);
    assert.equal(tf.memory().numTensors, before);
  });
});

/** A data set of two images; crypt is where the image is red. */
async function redDataset(folder: string): Promise<ImageRecord[]> {
  for (const split of ["train", "test"]) {
    const rows = ["id,predicted"];
    for (const [i, id] of ["one", "two"].entries()) {
      const height = 50 + 10 * i, width = 70;
      const mask = new Uint8Array(height * width);
      for (let y = 10; y < 30; y++) mask.fill(1, y * width + 20 + 10 * i, y * width + 50);
      const data = new Uint8Array(height * width * 3);
      mask.forEach((v, p) => data.set(v ? [230, 10, 10] : [20, 200, 200], 3 * p));
      await writeRgb(join(folder, split, `${id}.tiff`), { data, height, width });
      const unannotated = id === "two" && split === "train";
      if (!unannotated) {
        await writeMask(join(folder, `${split}_mask`, `${id}.tiff`), { data: mask, height, width });
      }
      rows.push(`${id},${unannotated ? "0 0" : encodeRle(mask, height, width)}`);
    }
    await Deno.writeTextFile(join(folder, `${split}.csv`), rows.join("\n") + "\n");
  }
  const { train, test } = await openDataset(folder);
  return [...train, ...test];
}

Deno.test("a data set is predicted image by image, scored where it is annotated, and reported", async () => {
  await withFolder(async (folder) => {
    const records = await redDataset(folder);
    const model = fakePredictor((r) => r / 255);
    const predictions: ImagePrediction[] = [];
    for await (const p of predictDataset(records, [model], { tile: 32, mode: "original" })) {
      predictions.push(p);
    }
    assert.deepEqual(predictions.map((p) => p.dice), [1, null, 1, 1]);
    assert.deepEqual(predictions.map((p) => p.truth === null), [false, true, false, false]);

    const submission = join(folder, "out", "submission.csv");
    await writeSubmission(submission, predictions);
    const rows = readTextRows(submission, ["img", "pixels"]);
    assert.deepEqual(rows.map((r) => r.img), ["one", "two", "one", "two"]);
    const { height, width } = predictions[3].mask;
    assert.deepEqual(decodeRle(rows[3].pixels!, height, width), predictions[3].mask.data);

    const report = join(folder, "out", "dice.csv");
    const average = await writeDiceReport(report, [{ img: "one", dice: 0.5 }, {
      img: "two",
      dice: 0.75,
    }]);
    assert.equal(average, 0.625);
    assert.equal(await Deno.readTextFile(report), "img,dice\none,0.5\ntwo,0.75\nAverage,0.625\n");
    await assert.rejects(writeDiceReport(report, []), /at least one annotated image/);
  });
});

Deno.test("a scaled image is predicted small and its probability is resized back before the cut", async () => {
  await withFolder(async (folder) => {
    const [record] = await redDataset(folder);
    const seen: number[] = [];
    const model = fakePredictor((r) => r / 255);
    const options = { tile: 32, mode: "sliding" as const, scale: 0.5 };
    const heard = { onTile: (_done: number, total: number) => seen.push(total) };
    for await (const p of predictDataset([record], [model], { ...options, ...heard })) {
      assert.equal(p.mask.data.length, record.height * record.width);
      assert.ok(p.dice! > 0.97 && p.dice! <= 1, `edges at even pixels survive: ${p.dice}`);
      assert.equal(p.dice, diceScore(p.mask.data, p.truth!.data));
      // Between crypt and background probabilities fall gradually.
      assert.ok(new Set(p.probability).size > 4);
    }
    assert.equal(seen.at(-1), 2, "25 x 35 pixels are two windows of 32");
  });
});

sharedTest(
  "the published predictions score the published Dice, through the report's own file",
  async () => {
    const published = readTextRows(sharedPath("colonic-rle/submission.csv"), ["img", "pixels"]);
    const { test } = await openDataset(sharedPath("colonic-rle"), { images: "optional" });
    await withFolder(async (folder) => {
      const rows = test.map((record) => {
        const { pixels } = published.find(({ img }) => img === record.id)!;
        const { height, width } = record;
        const predicted = decodeRle(pixels!, height, width);
        return {
          img: record.id,
          dice: diceScore(predicted, decodeRle(record.rle!, height, width)),
        };
      });
      const path = join(folder, "dice_report_submission.csv");
      await writeDiceReport(path, rows);
      const expected = readTextRows(sharedPath("colonic-rle/dice_report_submission.csv"), [
        "img",
        "dice",
      ]);
      for (const { img, dice } of expected) {
        const own = readTextRows(path, ["img", "dice"]).find((row) => row.img === img)!;
        assert.ok(
          Math.abs(Number(own.dice) - Number(dice)) < 1e-9,
          `${img}: ${own.dice} and ${dice}`,
        );
      }
    });
  },
);
