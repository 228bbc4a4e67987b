/** Image and mask through one and the same field of positions. */
import type { Random } from "../base/mod.ts";
import { type Border, within } from "../image/mod.ts";
import { type Augmentation, checkProbability, type Sample } from "./types.ts";

/**
 * Says for each pixel of `row` of the result where in the source it comes from: writes its column
 * to `x` and its row to `y`, in pixels, the centre of the first pixel being (0, 0).
 */
export type Field = (row: number, x: Float64Array, y: Float64Array) => void;

/** A transform of coordinates: `x = a·column + b·row + c`, `y = d·column + e·row + f`. */
export type Affine = [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * The sample seen through `field`: the image bilinear, the mask nearest, so that it keeps its
 * values. Positions are rounded to 1/32 px for the image, as in OpenCV's `remap`, whose integer
 * arithmetic this is.
 *
 * @param size of the result; default: as the sample's
 */
export function warp(
  sample: Sample,
  field: Field,
  border: Border = "reflect-101",
  size: { height: number; width: number } = sample.image,
): Sample {
  const { height, width, data } = sample.image, from = sample.mask.data;
  const pixels = size.height * size.width;
  const image = new Uint8Array(3 * pixels), mask = new Uint8Array(pixels);
  const x = new Float64Array(size.width), y = new Float64Array(size.width);
  const lastColumn = width - 1, lastRow = height - 1, stride = 3 * width;
  for (let row = 0, to = 0; row < size.height; row++) {
    field(row, x, y);
    for (let column = 0; column < size.width; column++, to++) {
      const px = x[column], py = y[column];
      const x32 = Math.floor(px * 32 + 0.5), y32 = Math.floor(py * 32 + 0.5);
      const left = x32 >> 5, top = y32 >> 5, fx = x32 & 31, fy = y32 & 31;
      const inside = left >= 0 && left < lastColumn && top >= 0 && top < lastRow;
      let a: number, b: number, c: number, d: number;
      if (inside) {
        a = top * stride + 3 * left;
        b = a + 3;
        c = a + stride;
        d = c + 3;
        mask[to] = from[Math.floor(py + 0.5) * width + Math.floor(px + 0.5)];
      } else {
        const y0 = within(top, height, border) * stride;
        const y1 = within(top + 1, height, border) * stride;
        const x0 = within(left, width, border) * 3, x1 = within(left + 1, width, border) * 3;
        a = y0 + x0;
        b = y0 + x1;
        c = y1 + x0;
        d = y1 + x1;
        mask[to] = from[
          within(Math.floor(py + 0.5), height, border) * width +
          within(Math.floor(px + 0.5), width, border)
        ];
      }
      const wd = fx * fy, wc = 32 * fy - wd, wb = 32 * fx - wd, wa = 1024 - wb - wc - wd;
      const out = 3 * to;
      image[out] = (wa * data[a] + wb * data[b] + wc * data[c] + wd * data[d] + 512) >> 10;
      image[out + 1] =
        (wa * data[a + 1] + wb * data[b + 1] + wc * data[c + 1] + wd * data[d + 1] + 512) >> 10;
      image[out + 2] =
        (wa * data[a + 2] + wb * data[b + 2] + wc * data[c + 2] + wd * data[d + 2] + 512) >> 10;
    }
  }
  const sides = { height: size.height, width: size.width };
  return { image: { data: image, ...sides }, mask: { data: mask, ...sides } };
}

/** The field of an affine transform, in steps of 1/1024 px as in OpenCV's `warpAffine`. */
export function affineField([a, b, c, d, e, f]: Affine): Field {
  return (row, x, y) => {
    const x0 = Math.round((b * row + c) * 1024), y0 = Math.round((e * row + f) * 1024);
    for (let column = 0; column < x.length; column++) {
      x[column] = (x0 + Math.round(a * column * 1024)) / 1024;
      y[column] = (y0 + Math.round(d * column * 1024)) / 1024;
    }
  };
}

/** An augmentation that draws a field and warps by it. */
export function warping(
  name: string,
  probability: number,
  draw: (height: number, width: number, random: Random) => Field,
  border: Border = "reflect-101",
): Augmentation {
  return {
    name,
    probability: checkProbability(name, probability),
    apply: (sample, random) =>
      warp(sample, draw(sample.image.height, sample.image.width, random), border),
  };
}
