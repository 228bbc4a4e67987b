import assert from "node:assert/strict";
import { blurred, gaussianBlur } from "../../lib/augment/blur.ts";
import { adjusted, randomBrightnessContrast } from "../../lib/augment/brightness_contrast.ts";
import { clahe } from "../../lib/augment/clahe.ts";
import { anchorsMoved, elasticTransform } from "../../lib/augment/elastic.ts";
import { augmentationGallery } from "../../lib/augment/gallery.ts";
import { gridDistortion, gridField } from "../../lib/augment/grid_distortion.ts";
import { hsvShifted, hueSaturationValue } from "../../lib/augment/hue_saturation_value.ts";
import { gaussNoise, noisy } from "../../lib/augment/noise.ts";
import { opticalDistortion, opticalField } from "../../lib/augment/optical_distortion.ts";
import {
  originalColourChanges,
  originalDistortions,
  originalTransforms,
} from "../../lib/augment/original.ts";
import { piecewiseAffine, piecewiseAffineField } from "../../lib/augment/piecewise_affine.ts";
import { createAugmentation } from "../../lib/augment/presets.ts";
import { shiftScaleRotate, shiftScaleRotateField } from "../../lib/augment/shift_scale_rotate.ts";
import { smoothed } from "../../lib/augment/smooth_noise.ts";
import type { Augmentation, Sample } from "../../lib/augment/types.ts";
import { affineField, type Field, warp } from "../../lib/augment/warp.ts";
import { within } from "../../lib/image/border.ts";
import { createRandom } from "../../lib/base/random.ts";
import { feedBatches } from "../../lib/training/feeder.ts";
import { localSource } from "../../lib/training/sample_source.ts";
import { workerSource } from "../../lib/training/worker_source.ts";
import { writePatches } from "../support/training_data.ts";
import { IMAGENET } from "../../lib/image/normalize.ts";

const HEIGHT = 72, WIDTH = 96;

/** Coloured noise with a disc as its mask. */
function sample(): Sample {
  const random = createRandom(4), mask = disc();
  const data = Uint8Array.from({ length: 3 * HEIGHT * WIDTH }, () => random.int(256));
  return { image: { data, height: HEIGHT, width: WIDTH }, mask };
}

function disc() {
  const data = Uint8Array.from(
    { length: HEIGHT * WIDTH },
    (_, i) => Math.hypot(Math.floor(i / WIDTH) - 30, i % WIDTH - 40) < 22 ? 1 : 0,
  );
  return { data, height: HEIGHT, width: WIDTH };
}

const gallery = () => augmentationGallery(sample(), createRandom(8));
const warps: Augmentation[] = [
  shiftScaleRotate({ border: "reflect" }),
  shiftScaleRotate(),
  elasticTransform({ alpha: 40, sigma: 5, alphaAffine: 8 }),
  opticalDistortion({ distort: 0.5 }),
  gridDistortion(),
  piecewiseAffine(),
];

Deno.test("the gallery shows the sample, then every transform once, sizes kept and masks binary", () => {
  const entries = gallery();
  assert.deepEqual(entries.map((entry) => entry.name), [
    "Original",
    "HorizontalFlip",
    "VerticalFlip",
    "RandomRotate90",
    "ShiftScaleRotate",
    "ElasticTransform",
    "GaussianBlur",
    "GaussNoise",
    "OpticalDistortion",
    "GridDistortion",
    "PiecewiseAffine",
    "HueSaturationValue",
    "CLAHE",
    "RandomBrightnessContrast",
    "StainAugmentation",
    "MacenkoNormalization",
    "ReinhardNormalization",
  ]);
  for (const { name, sample: { image, mask } } of entries) {
    const sizes = [image.height, image.width].sort();
    assert.deepEqual(sizes, [HEIGHT, WIDTH], name);
    assert.deepEqual([mask.height, mask.width], [image.height, image.width], name);
    assert.equal(image.data.length, 3 * HEIGHT * WIDTH, name);
    assert.equal(mask.data.length, HEIGHT * WIDTH, name);
    assert.deepEqual([...new Set(mask.data)].sort(), [0, 1], name);
    if (name !== "RandomRotate90") assert.equal(image.height, HEIGHT, name);
  }
});

Deno.test("the same generator gives the same pictures, another one others; inputs are not written to", () => {
  const input = sample(), before = structuredClone(input);
  const first = augmentationGallery(input, createRandom(8));
  assert.deepEqual(input, before);
  assert.deepEqual(first, gallery());
  const others = augmentationGallery(input, createRandom(9));
  // Those with few choices, or none, may well draw the same twice.
  const few = /Original|Flip|Rotate90|Normalization|GaussianBlur|CLAHE/;
  const random = first.filter(({ name }) => !few.test(name));
  for (const { name, sample } of random) {
    const other = others.find((entry) => entry.name === name)!.sample;
    assert.notDeepEqual(other.image.data, sample.image.data, name);
  }
});

Deno.test("transforms of colours leave the mask alone", () => {
  const input = sample();
  for (const transform of [...originalColourChanges(), gaussianBlur(), gaussNoise()]) {
    const output = transform.apply(input, createRandom(1));
    assert.deepEqual(output.mask, input.mask, transform.name);
    assert.notDeepEqual(output.image.data, input.image.data, transform.name);
  }
});

Deno.test("image and mask go through one field: a picture of the mask still is one after every warp", () => {
  const mask = disc();
  const data = Uint8Array.from(
    { length: 3 * mask.data.length },
    (_, i) => 255 * mask.data[Math.floor(i / 3)],
  );
  const input = { image: { data, height: HEIGHT, width: WIDTH }, mask };
  for (const transform of warps) {
    let moved = 0;
    for (let seed = 0; seed < 5; seed++) {
      const output = transform.apply(input, createRandom(seed));
      let between = 0;
      output.mask.data.forEach((value, i) => {
        const level = output.image.data[3 * i];
        if (level === 0 || level === 255) assert.equal(255 * value, level, transform.name);
        else between++;
      });
      assert.ok(between < 0.1 * mask.data.length, `${transform.name}: ${between} pixels between`);
      moved += output.mask.data.filter((value, i) => value !== mask.data[i]).length;
    }
    assert.ok(moved > 100, `${transform.name}: ${moved} pixels of the mask changed`);
  }
});

Deno.test("a picture of a slope shows where pixels come from: shifts, scales and turns as named", () => {
  const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return i % 3 === 0 ? 2 * (pixel % 64) : i % 3 === 1 ? 2 * Math.floor(pixel / 64) : 0;
  });
  const square = {
    image: { data, height: 64, width: 64 },
    mask: { data: new Uint8Array(64 * 64), height: 64, width: 64 },
  };
  const source = (field: Field, row: number, column: number) => {
    const { image } = warp(square, field), at = 3 * (64 * row + column);
    return [image.data[at] / 2, image.data[at + 1] / 2];
  };
  assert.deepEqual(source(shiftScaleRotateField(64, 64, 0, 1, 0.125, -0.25), 20, 30), [22, 36]);
  assert.deepEqual(source(shiftScaleRotateField(64, 64, 0, 2, 0, 0), 40, 20), [26, 36]);
  // Turned counter-clockwise by 90°: what is right of the centre now comes from below it.
  assert.deepEqual(source(shiftScaleRotateField(64, 64, 90, 1, 0, 0), 32, 42), [32, 42]);
});

Deno.test("parameters that ask for nothing change nothing", () => {
  const input = sample(), still = new Float64Array(32);
  const fields = {
    shiftScaleRotate: shiftScaleRotateField(HEIGHT, WIDTH, 0, 1, 0, 0),
    optical: opticalField(HEIGHT, WIDTH, 0),
    piecewise: piecewiseAffineField(HEIGHT, WIDTH, 4, still),
    anchors: affineField(anchorsMoved(HEIGHT, WIDTH, [0, 0, 0, 0, 0, 0])),
  };
  for (const [name, field] of Object.entries(fields)) {
    const { image, mask } = warp(input, field);
    // The mesh ends a pixel outside; its outermost points are pulled in, as in albumentations.
    const rim = name === "piecewise" ? HEIGHT * WIDTH / 3 : 0;
    assert.ok(
      mask.data.filter((value, i) => value !== input.mask.data[i]).length <= rim / 50,
      name,
    );
    if (rim === 0) assert.deepEqual(image.data, input.image.data, name);
  }
  const none = elasticTransform({ alpha: 0, alphaAffine: 0 });
  assert.deepEqual(none.apply(input, createRandom(0)), input);
  assert.deepEqual(adjusted(input.image, 1, 0), input.image);
  assert.deepEqual(hsvShifted(input.image, 0, 0, 0), input.image);
  assert.deepEqual(noisy(input.image, 0, createRandom(0)), input.image);
});

Deno.test("a regular grid stays within a pixel of where it was", () => {
  const x = new Float64Array(WIDTH), y = new Float64Array(WIDTH), ones = new Array(6).fill(1);
  const field = gridField(HEIGHT, WIDTH, ones, ones);
  for (let row = 0; row < HEIGHT; row++) {
    field(row, x, y);
    for (let column = 0; column < WIDTH; column++) {
      assert.ok(Math.abs(x[column] - column) <= 1 && Math.abs(y[column] - row) <= 1);
    }
  }
});

Deno.test("indices outside are reflected, with the edge twice or once", () => {
  const indices = [-6, -2, -1, 0, 2, 3, 4, 8];
  assert.deepEqual(indices.map((i) => within(i, 3, "reflect")), [0, 1, 0, 0, 2, 2, 1, 2]);
  assert.deepEqual(indices.map((i) => within(i, 3, "reflect-101")), [2, 2, 1, 0, 2, 1, 0, 0]);
  assert.deepEqual([-3, 0, 5].map((i) => within(i, 1, "reflect-101")), [0, 0, 0]);
});

Deno.test("noise is normal: its deviation, its tails, and the half level that is dropped", () => {
  const grey = { data: new Uint8Array(3 * 300 * 300).fill(128), height: 300, width: 300 };
  const { data } = noisy(grey, 6, createRandom(2));
  const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
  const variance = data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length;
  const far = data.filter((v) => Math.abs(v + 0.5 - 128) > 12).length / data.length;
  assert.ok(Math.abs(mean - 127.5) < 0.05, `mean ${mean}`);
  assert.ok(Math.abs(variance - 36 - 1 / 12) < 0.4, `variance ${variance}`);
  assert.ok(Math.abs(far - 0.0455) < 0.003, `beyond two deviations ${far}`);
  const halves = [0, 1].map((k) => data.filter((_, i) => i % 2 === k));
  let together = 0;
  halves[0].forEach((v, i) => together += (v - mean) * (halves[1][i] - mean));
  assert.ok(
    Math.abs(together / halves[0].length) < 0.5,
    "the two draws of one number are unrelated",
  );
});

Deno.test("wide smoothing has the deviation that theory gives white noise", () => {
  const side = 256, sigma = 32, random = createRandom(6), row = new Float64Array(side);
  let squares = 0, count = 0;
  for (let repeat = 0; repeat < 12; repeat++) {
    const noise = Float32Array.from({ length: side * side }, () => 2 * random.next() - 1);
    const rows = smoothed(noise, side, side, sigma);
    for (const y of [64, 128, 192]) {
      rows(y, row);
      for (const x of [64, 128, 192]) (squares += row[x] ** 2, count++);
    }
  }
  const expected = 1 / Math.sqrt(3) / (2 * sigma * Math.sqrt(Math.PI));
  const ratio = Math.sqrt(squares / count) / expected;
  assert.ok(ratio > 0.75 && ratio < 1.3, `${ratio} of it`);
});

Deno.test("blur sizes 3, 5 and 7 come with 1/5, 2/5 and 2/5", () => {
  const dot = { data: new Uint8Array(3 * 81), height: 9, width: 9 };
  dot.data.fill(255, 3 * 40, 3 * 41);
  const mask = { data: new Uint8Array(81), height: 9, width: 9 };
  const middles = ([3, 5, 7] as const).map((size) => blurred(dot, size).data[120]);
  assert.equal(new Set(middles).size, 3);
  const random = createRandom(3), blur = gaussianBlur(), counts = [0, 0, 0];
  for (let i = 0; i < 1000; i++) {
    counts[middles.indexOf(blur.apply({ image: dot, mask }, random).image.data[120])]++;
  }
  const near = (count: number, expected: number) => Math.abs(count - expected) < 60;
  assert.ok(near(counts[0], 200) && near(counts[1], 400) && near(counts[2], 400), `${counts}`);
});

Deno.test("parameters keep to their ranges and fill them", () => {
  const grey = { data: new Uint8Array(3 * 16).fill(100), height: 4, width: 4 };
  const input = { image: grey, mask: { data: new Uint8Array(16), height: 4, width: 4 } };
  const random = createRandom(5), change = originalColourChanges()[2];
  const levels = Array.from({ length: 2000 }, () => change.apply(input, random).image.data[0]);
  // 100 · (1 ± 0.3) ± 0.3 · 255, the ends being rare.
  assert.ok(Math.min(...levels) >= 0 && Math.min(...levels) < 10);
  assert.ok(Math.max(...levels) <= 206 && Math.max(...levels) > 195);
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  assert.ok(Math.abs(mean - 99.7) < 4, `mean ${mean}`);
});

Deno.test("the original's composition has its probabilities, and applies them in the mean", () => {
  const names = (list: Augmentation[]) => list.map((a) => [a.name, a.probability]);
  assert.deepEqual(names(originalTransforms()), [
    ["HorizontalFlip", 0.5],
    ["VerticalFlip", 0.5],
    ["RandomRotate90", 0.5],
    ["ShiftScaleRotate", 0.9],
    ["OneOf", 0.3],
    ["OneOf", 0.3],
  ]);
  assert.deepEqual(names(originalDistortions()).map(([, p]) => p), [0.3, 0.3, 0.3, 0.3, 0.1, 0.3]);
  assert.deepEqual(names(originalColourChanges()).map(([, p]) => p), [0.5, 0.5, 0.5]);
  const input = sample(), original = createAugmentation("original")!, random = createRandom(7);
  const same = (a: Uint8Array, b: Uint8Array) => a.every((value, i) => value === b[i]);
  let still = 0;
  for (let i = 0; i < 600; i++) {
    const { image } = original.apply(input, random);
    if (image.height === HEIGHT && same(image.data, input.image.data)) still++;
  }
  // Both flips or none, no quarter turn that shows, no shift, neither choice.
  const expected = 600 * (0.25 * (0.5 + 0.5 / 4) + 0.25 * 0.5 / 4) * 0.1 * 0.7 * 0.7;
  assert.ok(Math.abs(still - expected) < 12, `${still} of 600 unchanged, expected ${expected}`);
});

Deno.test("settings out of range are refused, naming transform and value", () => {
  assert.throws(() => shiftScaleRotate({ shift: [1, -1] }), /ShiftScaleRotate shift: .* 1 to -1/);
  assert.throws(() => shiftScaleRotate({ scale: 1 }), /ShiftScaleRotate scale: .* got -1/);
  assert.throws(() => elasticTransform({ sigma: -1 }), /ElasticTransform sigma: .* got -1/);
  assert.throws(() => gridDistortion({ steps: 0 }), /GridDistortion steps: .* got 0/);
  assert.throws(() => piecewiseAffine({ points: 1 }), /PiecewiseAffine points: .* got 1/);
  assert.throws(() => gaussNoise({ variance: [-1, 2] }), /GaussNoise variance: .* got -1/);
  assert.throws(() => clahe({ tiles: 1.5 }), /CLAHE tiles: .* got 1.5/);
  assert.throws(() => hueSaturationValue({ hue: NaN }), /HueSaturationValue hue/);
  assert.throws(() => randomBrightnessContrast({ probability: 2 }), /probability must be .* got 2/);
  assert.ok(createAugmentation("original+stain"));
});

Deno.test("a worker thread gives what this thread gives with the full composition", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const patches = await writePatches(folder, 2, 3);
    const order = [[3, 0, 4], [1, 5, 2]];
    const run = async (workers: number) => {
      const name = "original+stain", seed = 3;
      const source = workers === 0
        ? localSource(createAugmentation(name), seed, 0)
        : workerSource({ augmentation: name, seed, cacheBytes: 1e6 }, workers);
      const batches = [];
      for await (
        const batch of feedBatches(patches, order, source, {
          preprocessing: IMAGENET,
          stream: "epoch 1",
        })
      ) {
        batches.push(batch);
      }
      source.close();
      return batches;
    };
    assert.deepEqual(await run(1), await run(0));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
