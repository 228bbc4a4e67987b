import assert from "node:assert/strict";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { imageRegions } from "../../lib/image/region_source.ts";
import { predictBands } from "../../lib/inference/bands.ts";
import { predictImage, predictMaps } from "../../lib/inference/predict.ts";
import { windowStarts, windowWeights } from "../../lib/stitching/windows.ts";
import { restoreValues, symmetries, transformRgb } from "../../lib/inference/tta.ts";
import { createRandom } from "../../lib/base/random.ts";
import { fakePredictor } from "../support/predictors.ts";

const near = (got: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(got - expected) <= tolerance, `${got} instead of ${expected}`);

/** Grey ramps modulo 256, the image of the MONAI reference below. */
function ramps(height: number, width: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    data.fill((Math.floor(i / width) * 7 + (i % width) * 13) % 256, 3 * i, 3 * i + 3);
  }
  return { data, height, width };
}

Deno.test("windows lie where MONAI 1.6.1's dense_patch_slices puts them", () => {
  const at = (length: number, tile: number, overlap: number) =>
    windowStarts(length, { tile, mode: "sliding", overlap });
  assert.deepEqual(at(37, 16, 0.25), [0, 12, 21]);
  assert.deepEqual(at(50, 16, 0.25), [0, 12, 24, 34]);
  assert.deepEqual(at(775, 128, 0.5), [0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 647]);
  assert.deepEqual(at(512, 512, 0.25), [0]);
  assert.deepEqual(at(513, 512, 0.25), [0, 1]);
  assert.deepEqual(at(1000, 96, 0.33).slice(-3), [832, 896, 904]);
  assert.deepEqual(windowStarts(1030, { tile: 512, mode: "original" }), [0, 512, 1024]);
  assert.deepEqual(at(10, 16, 0.25), [0], "an image smaller than a window has one");
  assert.deepEqual(at(20, 16, 0.99), [0, 1, 2, 3, 4], "steps are at least one pixel");
  assert.throws(() => at(10, 16, 1), /overlap must be in \[0, 1\), got 1/);
  assert.throws(() => at(0, 16, 0.5), /length must be a positive integer/);
});

Deno.test("weights are MONAI 1.6.1's importance map", () => {
  const map = windowWeights({ tile: 5, mode: "sliding" });
  const rows = [
    [0.001, 0.0016615575, 0.0059760236, 0.0016615575, 0.001],
    [0.0016615575, 0.0773047432, 0.2780373096, 0.0773047432, 0.0016615575],
    [0.0059760236, 0.2780373096, 1, 0.2780373096, 0.0059760236],
  ];
  rows.forEach((row, y) => row.forEach((value, x) => near(map[y * 5 + x], value, 1e-8)));
  assert.ok(windowWeights({ tile: 8, mode: "sliding", weights: "constant" }).every((w) => w === 1));
  assert.ok(windowWeights({ tile: 8, mode: "original" }).every((w) => w === 1));
  assert.throws(() => windowWeights({ tile: 8, mode: "sliding", sigma: 0 }), /sigma must be > 0/);
});

Deno.test("sliding windows blend as MONAI 1.6.1's sliding_window_inference does", async () => {
  const image = ramps(37, 50);
  const model = fakePredictor((r, _g, _b, y, x) => r / 510 + (3 * y + x) / 128);
  // MONAI's result for the same image and network, roi 16, overlap 0.25, batch 4.
  const places = [[0, 0], [5, 13], [13, 5], [20, 20], [36, 49], [12, 49], [30, 14]];
  const reference = {
    gaussian: [0, 0.60164762, 0.59832519, 0.53235292, 0.70600492, 0.66761649, 0.51033157],
    constant: [0, 0.57187498, 0.50900733, 0.53235292, 0.70600492, 0.66761643, 0.54010415],
  };
  for (const weights of ["gaussian", "constant"] as const) {
    const options = { tile: 16, mode: "sliding" as const, weights, batchSize: 3 };
    const got = await predictImage(image, [model], options);
    places.forEach(([y, x], i) => near(got[y * 50 + x], reference[weights][i], 2e-6));
    near(got.reduce((a, b) => a + b, 0), 895.5016, 1e-3);
  }
});

Deno.test("bands are the whole, row for row, and read no more than a window's height", async () => {
  const image = ramps(61, 40), model = fakePredictor((r, _g, _b, y) => r / 300 + y / 200);
  const options = { tile: 16, mode: "sliding" as const, overlap: 0.5 };
  const whole = await predictImage(image, [model], options);
  const source = imageRegions(image), heights: number[] = [];
  const spy = {
    ...source,
    read: (t: number, l: number, h: number, w: number) => {
      heights.push(h);
      return source.read(t, l, h, w);
    },
  };
  let next = 0;
  for await (const { top, height, probability } of predictBands(spy, [model], options)) {
    assert.equal(top, next);
    assert.deepEqual(probability, whole.slice(top * 40, (top + height) * 40));
    next += height;
  }
  assert.equal(next, 61);
  assert.equal(Math.max(...heights), 16);
});

Deno.test("an image smaller than a window is predicted on white ground", async () => {
  const image = ramps(5, 7), model = fakePredictor((r) => r / 255);
  for (const mode of ["original", "sliding"] as const) {
    const got = await predictImage(image, [model], { tile: 16, mode });
    assert.equal(got.length, 35);
    got.forEach((p, i) => near(p, image.data[3 * i] / 255));
  }
});

Deno.test("the eight symmetries are different, and each is undone", () => {
  const random = createRandom(2);
  const rgb = Uint8Array.from({ length: 6 * 6 * 3 }, () => random.int(256));
  const red = Float32Array.from({ length: 36 }, (_, i) => rgb[3 * i]);
  const views = symmetries("d4", 6);
  assert.equal(views.length, 8);
  assert.equal(new Set(views.map(String)).size, 8);
  assert.deepEqual(transformRgb(rgb, views[0]), rgb, "the first is the identity");
  for (const view of views) {
    const seen = transformRgb(rgb, view);
    const channel = Float32Array.from({ length: 36 }, (_, i) => seen[3 * i]);
    assert.deepEqual(restoreValues(channel, view), red);
  }
  assert.throws(() => symmetries("d5" as "d4", 6), /one of none, flips, d4, got "d5"/);
});

Deno.test("test-time augmentation averages a model that sees directions, and leaves one that does not", async () => {
  const image = ramps(32, 32), options = { tile: 32, mode: "original" as const };
  const blind = fakePredictor((r) => r / 255);
  const plain = await predictImage(image, [blind], options);
  const views = await predictImage(image, [blind], { ...options, tta: "d4" });
  plain.forEach((p, i) => near(views[i], p));
  assert.equal(blind.tiles, 1 + 8);
  // A ramp over the tile has mean 1/2 over each pixel's eight places.
  const directed = fakePredictor((_r, _g, _b, y, x) => (y + 2 * x) / 93);
  const level = await predictImage(image, [directed], { ...options, tta: "d4" });
  level.forEach((p) => near(p, 0.5));
});

Deno.test("deviations are the members' own: models between each other, views within each", async () => {
  const image = ramps(32, 32),
    options = { tile: 32, mode: "original" as const, tta: "d4" as const };
  const low = fakePredictor(() => 0.2), high = fakePredictor(() => 0.8);
  const models = await predictMaps(image, [low, high], options);
  for (let i = 0; i < 1024; i += 37) {
    near(models.probability[i], 0.5);
    near(models.modelDeviation[i], 0.3);
    near(models.viewDeviation[i], 0, 2e-4);
  }
  // Left half 0, right half 1: half of the views see each pixel left, half right.
  const halves = fakePredictor((_r, _g, _b, _y, x) => x < 16 ? 0 : 1);
  const views = await predictMaps(image, [halves], options);
  for (let i = 0; i < 1024; i += 37) {
    near(views.probability[i], 0.5);
    near(views.modelDeviation[i], 0, 2e-4);
    near(views.viewDeviation[i], 0.5);
  }
});
