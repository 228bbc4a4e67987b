import assert from "node:assert/strict";
import { blurred } from "../../lib/augment/blur.ts";
import { adjusted } from "../../lib/augment/brightness_contrast.ts";
import { labBytesToRgb, rgbToLabBytes } from "../../lib/image/cielab.ts";
import { lightnessEqualized } from "../../lib/augment/clahe.ts";
import { anchorsMoved, elasticField } from "../../lib/augment/elastic.ts";
import { gridField } from "../../lib/augment/grid_distortion.ts";
import { hsvShifted } from "../../lib/augment/hue_saturation_value.ts";
import { opticalField } from "../../lib/augment/optical_distortion.ts";
import { piecewiseAffineField } from "../../lib/augment/piecewise_affine.ts";
import { shiftScaleRotateField } from "../../lib/augment/shift_scale_rotate.ts";
import { smoothed } from "../../lib/augment/smooth_noise.ts";
import { type Field, warp } from "../../lib/augment/warp.ts";
import type { Border } from "../../lib/image/border.ts";
import reference from "../reference_augment/augment.json" with { type: "json" };
import { crc32, unit } from "../support/shared.ts";

/** The sample of tests/reference_augment/augment.py. */
const HEIGHT = 40, WIDTH = 48;
const units = (name: string, length: number) => {
  const seed = crc32(name);
  return Float64Array.from({ length }, (_, i) => unit(seed, i));
};
const blocks = units("augment:block", 5 * 6 * 3);
const pixels = units("augment:pixel", HEIGHT * WIDTH * 3);
const block = (pixel: number) =>
  Math.floor(Math.floor(pixel / WIDTH) / 8) * 6 + Math.floor((pixel % WIDTH) / 8);
const image = {
  data: Uint8Array.from(
    pixels,
    (p, i) => 256 * (0.7 * blocks[3 * block(Math.floor(i / 3)) + i % 3] + 0.3 * p),
  ),
  height: HEIGHT,
  width: WIDTH,
};
const mask = {
  data: Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => blocks[3 * block(i)] > 0.5 ? 1 : 0),
  height: HEIGHT,
  width: WIDTH,
};

const unpack = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** The largest difference, and the share of values that differ at all. */
function difference(actual: Uint8Array, expected: Uint8Array, counts = (_: number) => true) {
  assert.equal(actual.length, expected.length);
  let most = 0, different = 0, all = 0;
  for (let i = 0; i < actual.length; i++) {
    if (!counts(i)) continue;
    const by = Math.abs(actual[i] - expected[i]);
    most = Math.max(most, by);
    different += by > 0 ? 1 : 0;
    all++;
  }
  return { most, share: different / all };
}

/** Warps by `field`; at most `most` levels and `share` of the bytes may differ, the mask by `maskShare`. */
function sameWarp(
  field: Field,
  expected: { image: string; mask: string },
  { most = 0, share = 0, maskShare = 0, border = "reflect-101" as Border } = {},
) {
  const warped = warp({ image, mask }, field, border);
  const picture = difference(warped.image.data, unpack(expected.image));
  assert.ok(picture.most <= most && picture.share <= share, JSON.stringify(picture));
  const outline = difference(warped.mask.data, unpack(expected.mask));
  assert.ok(outline.share <= maskShare, `mask ${JSON.stringify(outline)}`);
}

Deno.test("the sample is that of the reference", () => {
  assert.deepEqual(image.data, unpack(reference.image));
});

Deno.test("ShiftScaleRotate is albumentations 1.1's to the bit, with both borders", () => {
  for (const { angle, scale, dx, dy, border, ...expected } of reference.shiftScaleRotate) {
    const field = shiftScaleRotateField(HEIGHT, WIDTH, angle, scale, dx, dy);
    sameWarp(field, expected, { border: border as Border });
  }
});

Deno.test("ElasticTransform is albumentations 1.1's, its noise smoothed as by scipy", () => {
  const noise = (name: string) => Float32Array.from(units(name, HEIGHT * WIDTH), (u) => 2 * u - 1);
  const [dx, dy] = [noise("augment:dx"), noise("augment:dy")];
  for (const { alpha, sigma, affine, ...expected } of reference.elastic) {
    const moves = Array.from(units("augment:anchors", 6), (u) => affine * (2 * u - 1));
    const anchors = anchorsMoved(HEIGHT, WIDTH, moves);
    const field = elasticField(HEIGHT, WIDTH, anchors, dx, dy, alpha, sigma);
    sameWarp(field, expected, { most: 6, share: 0.1, maskShare: 0.002 });
  }
  for (const { sigma, values } of reference.smoothed) {
    const rows = smoothed(dx, HEIGHT, WIDTH, sigma), row = new Float64Array(WIDTH);
    const largest = Math.max(...values.map(Math.abs));
    for (let y = 0, i = 0; y < HEIGHT; y += 4) {
      rows(y, row);
      for (let x = 0; x < WIDTH; x += 4, i++) {
        const off = Math.abs(row[x] - values[i]);
        assert.ok(
          off < (sigma < 16 ? 1e-6 : 0.06) * largest,
          `sigma ${sigma}, (${x}, ${y}): ${off}`,
        );
      }
    }
  }
});

Deno.test("OpticalDistortion is albumentations 1.1's with its two centres in one place", () => {
  for (const { k, ...expected } of reference.optical) {
    sameWarp(opticalField(HEIGHT, WIDTH, k), expected, { most: 5, share: 0.005, maskShare: 0.002 });
  }
});

Deno.test("GridDistortion is albumentations 1.1's, the strip left over included", () => {
  for (const { across, down, ...expected } of reference.grid) {
    sameWarp(gridField(HEIGHT, WIDTH, across, down), expected, { most: 5, share: 0.01 });
  }
});

Deno.test("PiecewiseAffine is albumentations 1.1's in the cells that Qhull cuts the same way", () => {
  for (const { points, deviation, falling, ...expected } of reference.piecewise) {
    const moves = units("augment:moves", 2 * points * points).map((u) => deviation * (2 * u - 1));
    const warped = warp({ image, mask }, piecewiseAffineField(HEIGHT, WIDTH, points, moves));
    const cells = points - 1;
    const sameCut = (pixel: number) => {
      const row = Math.floor(pixel / WIDTH) * cells / HEIGHT,
        column = pixel % WIDTH * cells / WIDTH;
      return falling[Math.floor(row) * cells + Math.floor(column)];
    };
    // It drops the fraction where we round, and does not round positions to 1/32 px.
    const picture = difference(
      warped.image.data,
      unpack(expected.image),
      (i) => sameCut(Math.floor(i / 3)),
    );
    assert.ok(picture.most <= 6, JSON.stringify(picture));
    assert.ok(difference(warped.mask.data, unpack(expected.mask), sameCut).share < 0.005);
  }
});

Deno.test("GaussianBlur is OpenCV's to the bit", () => {
  for (const { size, image: expected } of reference.blur) {
    assert.deepEqual(blurred(image, size as 3 | 5 | 7).data, unpack(expected));
  }
});

Deno.test("HueSaturationValue is albumentations 1.1's to a level", () => {
  for (const { shifts: [h, s, v], image: expected } of reference.hsv) {
    // Of each row of 48, OpenCV's vector code does 32 pixels; the rest it rounds otherwise.
    const vectorized = (i: number) => Math.floor(i / 3) % WIDTH < 32;
    const shifted = hsvShifted(image, h, s, v).data;
    const { most, share } = difference(shifted, unpack(expected), vectorized);
    assert.ok(most <= 1 && share < 0.01, JSON.stringify({ most, share }));
  }
});

Deno.test("L*a*b* bytes are OpenCV's, and CLAHE is albumentations 1.1's but for ties", () => {
  assert.deepEqual(rgbToLabBytes(image.data), unpack(reference.lab));
  const back = difference(labBytesToRgb(rgbToLabBytes(image.data)), unpack(reference.rgbOfLab));
  assert.ok(back.most <= 1 && back.share < 0.06, JSON.stringify(back));
  for (const { clip, height, width, image: expected } of reference.clahe) {
    const rows = Array.from({ length: height }, (_, row) => row * WIDTH * 3);
    const data = Uint8Array.from(
      rows.flatMap((from) => [...image.data.subarray(from, from + 3 * width)]),
    );
    const { most, share } = difference(
      lightnessEqualized({ data, height, width }, clip).data,
      unpack(expected),
    );
    // In tiles of 5 x 6 blends often end in .5; one lightness level more is up to 3 levels.
    assert.ok(most <= 3 && share < 0.1, JSON.stringify({ most, share }));
  }
});

Deno.test("RandomBrightnessContrast is albumentations 1.1's to the bit", () => {
  for (const { alpha, beta, image: expected } of reference.brightnessContrast) {
    assert.deepEqual(adjusted(image, alpha, beta).data, unpack(expected));
  }
});
