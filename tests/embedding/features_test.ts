import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import assert from "node:assert/strict";
import { join } from "node:path";
import { type ImageRecord, openDataset } from "../../lib/dataset/dataset.ts";
import { computeFeatures } from "../../lib/embedding/features.ts";
import { cryptClasses, type FeatureTable } from "../../lib/embedding/features/table.ts";
import { tileDice } from "../../lib/embedding/features/tile_dice.ts";
import { decodeNpy, encodeNpy } from "../../lib/embedding/features/npy.ts";
import type { Mask, RgbImage } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { ORIGINAL_RULE } from "../../lib/patching/tissue.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import type { SegmentationModel } from "../../lib/model/types.ts";
import { IMAGENET, IMAGENET_MEAN, IMAGENET_STD } from "../../lib/image/normalize.ts";

await tf.setBackend("cpu");

/** A "model" whose last feature map holds the mean of each 4 x 4 block, so that features are known. */
function blockMeans(scale = 1) {
  const calls: number[] = [];
  const variable = tf.variable(tf.scalar(scale), true, `features_test_${crypto.randomUUID()}`);
  const model = {
    config: { architecture: "Unet", encoder: "block-means" },
    parameters: new Map([["encoder.weight", { name: "encoder.weight", variable }]]),
    sideMultiple: 4,
    preprocessing: IMAGENET,
    features(x: tf.Tensor4D) {
      calls.push(x.shape[0]);
      return tf.tidy(
        () => [tf.clone(x), tf.mul(tf.avgPool(x, 4, 4, "valid"), variable) as tf.Tensor4D],
      );
    },
    dispose: () => variable.dispose(),
  };
  return { model: model as unknown as SegmentationModel & { dispose(): void }, calls };
}

function testImage(height: number, width: number, seed: number): RgbImage {
  const data = Uint8Array.from(
    { length: height * width * 3 },
    (_, i) => (i * 7 + Math.floor(i / 50) * seed) % 256,
  );
  return { data, height, width };
}

/** Two annotated images of 12 x 20 and one without annotation; crypt is the top-left 2 x 3 of "a". */
async function makeDataset(root: string) {
  for (const [split, ids] of [["train", ["a", "blank"]], ["test", ["b"]]] as const) {
    for (const id of ids) {
      await writeRgb(join(root, split, `${id}.tiff`), testImage(12, 20, id.length + 1));
    }
  }
  const mask: Mask = { data: new Uint8Array(240), height: 12, width: 20 };
  for (const i of [0, 1, 2, 20, 21, 22]) mask.data[i] = 1;
  await writeMask(join(root, "train_mask/a.tiff"), mask);
  await Deno.writeTextFile(join(root, "train.csv"), "id,predicted\na,1 2 13 2 25 2\nblank,0 0\n");
  await Deno.writeTextFile(join(root, "test.csv"), "id,predicted\nb,240 1\n");
  const { train, test } = await openDataset(root);
  return [...train, ...test];
}

async function withDataset(run: (records: ImageRecord[], root: string) => Promise<void>) {
  const root = await Deno.makeTempDir({ prefix: "features_" });
  try {
    await run(await makeDataset(root), root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const average = { tile: 8, pool: "average" } as const;

Deno.test("features hold a row for every tile of the annotated images, with its labels", async () => {
  await withDataset(async (records) => {
    const { model } = blockMeans();
    const before = tf.memory().numTensors;
    const seen: string[] = [];
    const table = await computeFeatures(records, model, {
      ...average,
      onProgress: (done, total, image) => seen.push(`${done}/${total} ${image}`),
    });
    assert.equal(tf.memory().numTensors, before);
    // 12 x 20 in tiles of 8: two rows of three, and "blank" is left out.
    assert.deepEqual([table.rows, table.columns, table.values.length], [12, 3, 36]);
    assert.deepEqual(seen, ["4/12 a", "6/12 a", "10/12 b", "12/12 b"]);
    const [first, second] = table.labels;
    assert.deepEqual(
      { ...first },
      {
        image: "a",
        split: "train",
        row: 0,
        column: 0,
        crypt: true,
        cryptShare: 6 / 64,
        donor: null,
      },
    );
    assert.deepEqual([second.row, second.column, second.crypt], [0, 8, false]);
    const last = table.labels.at(-1)!;
    assert.deepEqual([last.image, last.split, last.row, last.column], ["b", "test", 8, 16]);
    assert.deepEqual([last.crypt, last.cryptShare], [true, 1 / 64]);
    model.dispose();
  });
});

Deno.test("a tile's features are those of its pixels, white beyond the image's edge", async () => {
  await withDataset(async ([record]) => {
    const { model } = blockMeans();
    const { values } = await computeFeatures([record], model, average);
    const image = testImage(12, 20, 2);
    // The last tile, at (8, 16), holds 4 x 4 pixels of the image; 48 of its 64 pixels are white.
    for (let c = 0; c < 3; c++) {
      let sum = 48 * 255;
      for (let y = 8; y < 12; y++) {
        for (let x = 16; x < 20; x++) sum += image.data[(y * 20 + x) * 3 + c];
      }
      const wanted = (sum / 64 / 255 - IMAGENET_MEAN[c]) / IMAGENET_STD[c];
      assert.ok(Math.abs(values[5 * 3 + c] - wanted) < 1e-5, `${values[5 * 3 + c]} is ${wanted}`);
    }
    model.dispose();
  });
});

Deno.test("flattened features are in PyTorch's order: channel, row, column", async () => {
  await withDataset(async ([record]) => {
    const { model } = blockMeans();
    const { values, columns } = await computeFeatures([record], model, {
      tile: 8,
      pool: "flatten",
    });
    assert.equal(columns, 3 * 2 * 2);
    const image = testImage(12, 20, 2);
    const block = (channel: number, row: number, column: number) => {
      let sum = 0;
      for (let y = 0; y < 4; y++) {
        for (let x = 0; x < 4; x++) {
          sum += image.data[((row * 4 + y) * 20 + column * 4 + x) * 3 + channel];
        }
      }
      return (sum / 16 / 255 - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel];
    };
    let at = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (const [row, column] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
        assert.ok(Math.abs(values[at++] - block(channel, row, column)) < 1e-5);
      }
    }
    model.dispose();
  });
});

Deno.test("a cache is read by the same model, data and settings and by no others", async () => {
  await withDataset(async (records, root) => {
    const { model, calls } = blockMeans(), cachePath = join(root, "work/features");
    const compute = (options: Partial<Parameters<typeof computeFeatures>[2]> = {}, other = model) =>
      computeFeatures(records, other, { ...average, cachePath, ...options });
    const same = (a: FeatureTable, b: FeatureTable) => assert.deepEqual(a, b);
    const first = await compute();
    const work = calls.length;
    same(await compute(), first);
    assert.equal(calls.length, work, "the second call read the cache");
    await compute({ scale: 0.5 });
    assert.ok(calls.length > work, "another scale computes");
    same(await compute(), first);

    const counted = async (act: () => Promise<unknown>) => {
      const at = calls.length;
      await act();
      return calls.length - at;
    };
    assert.ok(await counted(() => compute({ pool: "flatten" })) > 0, "another pooling computes");
    assert.ok(await counted(() => compute()) > 0);
    const invert = (image: RgbImage) => ({ ...image, data: image.data.map((v) => 255 - v) });
    const prepare = { name: "invert", apply: invert };
    assert.ok(await counted(() => compute({ prepare })) > 0, "prepared images compute");
    await compute();
    assert.equal(await counted(() => compute()), 0);
    await writeRgb(records[0].imagePath, testImage(12, 20, 9));
    assert.ok(await counted(() => compute()) > 0, "a replaced image computes");
    await compute();
    const polygons = join(root, "test/b.json"), [, , b] = records;
    const square = (side: number) =>
      JSON.stringify([{
        type: "Feature",
        geometry: {
          type: "Polygon",
          coordinates: [[[0, 0], [side, 0], [side, side], [0, side], [0, 0]]],
        },
      }]);
    for (const side of [4, 6]) {
      await Deno.writeTextFile(polygons, square(side));
      const own = records.map((r) => r === b ? { ...r, polygonsPath: polygons } : r);
      const read = () => computeFeatures(own, model, { ...average, cachePath });
      assert.ok(await counted(read) > 0, `polygons of side ${side} compute`);
      assert.equal(await counted(read), 0);
    }
    await compute();
    await writeMask(join(root, "test_mask/b.tiff"), {
      data: new Uint8Array(240),
      height: 12,
      width: 20,
    });
    assert.ok(await counted(() => compute()) > 0, "a new mask computes");
    await writeMask(join(root, "test_mask/b.tiff"), {
      data: new Uint8Array(240).fill(1),
      height: 12,
      width: 20,
    });
    assert.ok(await counted(() => compute()) > 0, "a changed mask computes");
    const recoded = records.map((r) => r === b ? { ...r, rle: "1 5" } : r);
    assert.ok(
      await counted(() => computeFeatures(recoded, model, { ...average, cachePath })) > 0,
      "a changed encoding computes",
    );
    const other = blockMeans(2);
    await compute({}, other.model);
    assert.ok(other.calls.length > 0, "other weights compute");
    model.dispose();
    other.model.dispose();
  });
});

Deno.test("a damaged cache is computed again", async () => {
  await withDataset(async (records, root) => {
    const { model, calls } = blockMeans(), cachePath = join(root, "features");
    const options = { ...average, cachePath };
    const first = await computeFeatures(records, model, options);
    for (
      const [file, content] of [["npy", "short"], ["csv", "image\n"], ["json", "{"], ["json", "{}"]]
    ) {
      await Deno.writeTextFile(`${cachePath}.${file}`, content);
      const at = calls.length;
      assert.deepEqual(await computeFeatures(records, model, options), first);
      assert.ok(calls.length > at, file);
    }
    model.dispose();
  });
});

Deno.test("aborted features throw the reason and leave no cache", async () => {
  await withDataset(async (records, root) => {
    const { model } = blockMeans(), stop = new AbortController();
    const work = computeFeatures(records, model, {
      ...average,
      cachePath: join(root, "features"),
      signal: stop.signal,
      onProgress: () => stop.abort(new Error("enough")),
    });
    await assert.rejects(work, /enough/);
    const left = [...Deno.readDirSync(root)].map((e) => e.name);
    assert.ok(!left.some((name) => name.startsWith("features")), String(left));
    model.dispose();
  });
});

Deno.test("features refuse tiles the model cannot take, scales out of range and empty lists", async () => {
  await withDataset(async (records) => {
    const { model } = blockMeans();
    const refuse = (list: ImageRecord[], options: object, message: RegExp) =>
      assert.rejects(
        computeFeatures(list, model, { ...average, ...options }),
        (e) => e instanceof RangeError && message.test(e.message),
      );
    await refuse(records, { tile: 6 }, /multiple of 4, got 6/);
    await refuse(records, { scale: 0 }, /scale must be in \(0, 1\], got 0/);
    await refuse(records, { maxPadding: 1 }, /maxPadding must be in \[0, 1\), got 1/);
    await refuse(records, { minCryptShare: 1.5 }, /minCryptShare must be in \[0, 1\], got 1\.5/);
    await refuse([], {}, /at least one annotated image, got 0/);
    await refuse(records.filter((r) => !r.annotated), {}, /got 1 without annotation/);
    model.dispose();
  });
});

Deno.test("features of a real encoder are its last stage, and no tensor is left behind", async () => {
  await withDataset(async ([record]) => {
    const model = createModel({ architecture: "Unet", encoder: "efficientnet-b0", seed: 3 });
    const options = { tile: 32, pool: "average" } as const;
    const { columns, rows } = await computeFeatures([record], model, options);
    assert.deepEqual([rows, columns], [1, 320]);
    const before = tf.memory().numTensors;
    await computeFeatures([record], model, options);
    assert.equal(tf.memory().numTensors, before);
    model.dispose();
  });
});

Deno.test(".npy bytes are NumPy's: aligned header, little-endian values, and back", () => {
  const values = Float32Array.of(1, -2.5, 3e-7, 4, 5, 6);
  const bytes = encodeNpy(values, 2, 3);
  const header = String.fromCharCode(...bytes.subarray(0, 128));
  const fields = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  assert.equal(header, `\x93NUMPY\x01\x00v\x00${fields}`.padEnd(127) + "\n");
  assert.equal(bytes.length, 128 + 24);
  assert.deepEqual([...bytes.subarray(128, 132)], [0, 0, 128, 63]);
  const back = decodeNpy(bytes as Uint8Array<ArrayBuffer>, "x.npy");
  assert.deepEqual(back, { values, rows: 2, columns: 3 });
  assert.throws(
    () => decodeNpy(bytes.slice(0, -1), "x.npy"),
    /x\.npy must have 152 bytes, got 151/,
  );
  assert.throws(() => decodeNpy(new Uint8Array(20), "x.npy"), /x\.npy is no \.npy file/);
  assert.throws(() => encodeNpy(values, 2, 2), /needs 4 values, got 6/);
});

Deno.test("the Dice of a tile counts its own pixels, and there is none without crypt", () => {
  const mask = (ones: number[]): Mask => {
    const data = new Uint8Array(24);
    for (const i of ones) data[i] = 1;
    return { data, height: 4, width: 6 };
  };
  const corners = [{ row: 0, column: 0 }, { row: 0, column: 4 }];
  // The left tile shares one of 2 + 1 pixels; the right tile, cut by the edge, has none.
  assert.deepEqual(tileDice(corners, 4, mask([0, 1]), mask([1])), [2 / 3, null]);
  assert.deepEqual(tileDice(corners, 4, mask([5]), mask([])), [null, 0]);
  assert.throws(
    () => tileDice(corners, 4, mask([]), { data: new Uint8Array(4), height: 2, width: 2 }),
    /must have one size/,
  );
});

/** An image of 8 x 24: tissue, a black rectangle, glass; one pixel of crypt in the glass of "crypt". */
async function makeArtefacts(root: string) {
  const data = new Uint8Array(8 * 24 * 3);
  for (let i = 0; i < 8 * 24; i++) {
    const third = Math.floor(i % 24 / 8);
    data.set(
      third === 0 ? [200, 120 + i % 9, 170] : third === 1 ? [4, 4, 4] : [250, 250, 250],
      3 * i,
    );
  }
  const image = { data, height: 8, width: 24 };
  await writeRgb(join(root, "train/crypt.tiff"), image);
  await writeRgb(join(root, "train/other.tiff"), image);
  // Crypt at row 0, column 20 (glass) and at row 0, column 0 (tissue).
  await Deno.writeTextFile(join(root, "train.csv"), "id,predicted\ncrypt,161 1\nother,1 1\n");
  return (await openDataset(root)).train;
}

Deno.test("artefacts and glass stay out of the feature space where a rule is given, crypt or not", async () => {
  const root = await Deno.makeTempDir({ prefix: "features_" });
  try {
    const records = await makeArtefacts(root), { model } = blockMeans();
    const all = await computeFeatures(records, model, average);
    assert.deepEqual([all.rows, all.leftOut], [6, 0]);
    const cachePath = join(root, "work/features");
    const options = { ...average, cachePath, tissue: ORIGINAL_RULE };
    const some = await computeFeatures(records, model, options);
    const places = some.labels.map(({ image, column }) => `${image} ${column}`);
    assert.deepEqual(places, ["crypt 0", "other 0"], "crypt in glass does not make it tissue");
    assert.equal(some.leftOut, 4);
    assert.deepEqual([...some.values.subarray(3)], [...all.values.subarray(9, 12)]);
    assert.deepEqual(await computeFeatures(records, model, options), some, "the cache knows both");
    const nothing = { ...ORIGINAL_RULE, darkBelow: 300, darkShare: 0 };
    await assert.rejects(
      computeFeatures(records, model, { ...average, tissue: nothing }),
      /none of the 6 tiles shows tissue/,
    );
    model.dispose();
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("tiles mostly beyond the image stay out by maxPadding; the tissue rule judges the rest alone", async () => {
  await withDataset(async (records) => {
    const { model } = blockMeans();
    const places = async (options: Partial<Parameters<typeof computeFeatures>[2]>) => {
      const { labels, leftOut } = await computeFeatures([records[0]], model, {
        ...average,
        ...options,
      });
      return [...labels.map(({ row, column }) => `${row},${column}`), leftOut];
    };
    // 12 x 20 in tiles of 8: half of each is beyond the edge in the last row and column, 3/4 in the corner.
    const whole = ["0,0", "0,8"], half = ["0,16", "8,0", "8,8"];
    assert.deepEqual((await places({ maxPadding: 0.75 })).length, 7);
    assert.deepEqual((await places({ maxPadding: 0.5 })).sort(), [1, ...whole, ...half].sort());
    assert.deepEqual(await places({ maxPadding: 0.49 }), [...whole, 4]);
    // Only the padding is bright: a rule that allows no white pixel keeps every tile.
    const rule = { ...ORIGINAL_RULE, darkBelow: 0, brightAbove: 254, brightShare: 0 };
    assert.equal((await places({ tissue: { ...rule, channels: "all" } })).length, 7);
    model.dispose();
  });
});

Deno.test("minCryptShare decides the class of a tile, and the cache knows it", async () => {
  await withDataset(async (records, root) => {
    const { model } = blockMeans(), cachePath = join(root, "work/features");
    const crypt = async (minCryptShare?: number) =>
      (await computeFeatures(records, model, { ...average, cachePath, minCryptShare }))
        .labels.filter((l) => l.crypt).map((l) => l.cryptShare);
    assert.deepEqual(await crypt(), [6 / 64, 1 / 64]);
    assert.deepEqual(await crypt(6 / 64), [6 / 64]);
    assert.deepEqual(await crypt(0.1), []);
    assert.deepEqual(cryptClasses(0), ["no crypt", "crypt"]);
    assert.deepEqual(cryptClasses(0.125), ["under 12.5% crypt", "12.5% crypt or more"]);
    model.dispose();
  });
});

Deno.test("features by ONNX Runtime are those by TensorFlow.js", async () => {
  await withDataset(async ([record]) => {
    const config = { architecture: "Unet", encoder: "efficientnet-b0", classes: 2 } as const;
    const model = createModel({ ...config, seed: 4 });
    const options = { tile: 32, pool: "flatten" } as const;
    const a = await computeFeatures([record], model, options);
    const b = await computeFeatures([record], model, { ...options, engine: "onnx" });
    const scale = a.values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const apart = (x: Float32Array, y: Float32Array) =>
      x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i])), 0) / scale;
    assert.equal(b.values.length, a.values.length);
    assert.ok(apart(a.values, b.values) < 1e-4, `${apart(a.values, b.values)}`);
    const means = await computeFeatures([record], model, {
      ...options,
      ...{ pool: "average", engine: "onnx" },
    });
    // A tile of 32 has a last feature map of 1 x 1: its mean is itself.
    assert.ok(apart(a.values, means.values) < 1e-4);
    model.dispose();
    const { model: other } = blockMeans();
    await assert.rejects(
      computeFeatures([record], other, { ...average, engine: "onnx" }),
      /engine "onnx" needs a model of createModel or loadModel/,
    );
    other.dispose();
  });
});
