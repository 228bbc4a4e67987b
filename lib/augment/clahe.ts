/** Contrast limited adaptive histogram equalization. */
import { labBytesToRgb, type RgbImage, rgbToLabBytes, within } from "../image/mod.ts";
import { imageOnly } from "./image_only.ts";
import { ends } from "./range.ts";
import type { Augmentation } from "./types.ts";

/** The settings of {@link clahe}. */
export interface ClaheOptions {
  /** The clip limit is drawn from a range, or from 1 to one number; default 4. */
  clip?: number | readonly [low: number, high: number];
  /** Tiles along each side; default 8. */
  tiles?: number;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `CLAHE` of albumentations 1.1: on the lightness of CIE L*a*b*, colours kept.
 *
 * @throws {RangeError} for a range in the wrong order or `tiles` that is no positive integer
 */
export function clahe(options: ClaheOptions = {}): Augmentation {
  const { clip = 4, tiles = 8, probability = 0.5 } = options;
  const range = typeof clip === "number" ? [Math.min(1, clip), Math.max(1, clip)] as const : clip;
  const limits = ends(range, "CLAHE clip");
  if (!(Number.isInteger(tiles) && tiles > 0)) {
    throw new RangeError(`CLAHE tiles: expected a positive integer, got ${tiles}`);
  }
  return imageOnly(
    "CLAHE",
    probability,
    (image, random) => lightnessEqualized(image, random.uniform(...limits), tiles),
  );
}

/** The image with its lightness equalized by {@link equalized}. */
export function lightnessEqualized(image: RgbImage, clip: number, tiles = 8): RgbImage {
  const { height, width } = image, lab = rgbToLabBytes(image.data);
  const lightness = new Uint8Array(height * width);
  for (let i = 0; i < lightness.length; i++) lightness[i] = lab[3 * i];
  const changed = equalized(lightness, height, width, clip, tiles);
  for (let i = 0; i < changed.length; i++) lab[3 * i] = changed[i];
  return { data: labBytesToRgb(lab), height, width };
}

/**
 * OpenCV's CLAHE of one channel (Zuiderveld 1994): each tile's equalization, its histogram cut at
 * `clip` times its mean, blended bilinearly between the tiles' centres.
 */
export function equalized(
  channel: Uint8Array,
  height: number,
  width: number,
  clip: number,
  tiles: number,
): Uint8Array {
  // A side that does not divide makes OpenCV pad both, by a whole tile count where one divides.
  const divides = height % tiles === 0 && width % tiles === 0;
  const tileHeight = (divides ? height : height + tiles - height % tiles) / tiles;
  const tileWidth = (divides ? width : width + tiles - width % tiles) / tiles;
  const curves = new Uint8Array(tiles * tiles * 256);
  const histogram = new Int32Array(256), area = tileHeight * tileWidth;
  for (let tile = 0; tile < tiles * tiles; tile++) {
    histogram.fill(0);
    const top = Math.floor(tile / tiles) * tileHeight, left = (tile % tiles) * tileWidth;
    for (let row = top; row < top + tileHeight; row++) {
      const from = within(row, height, "reflect-101") * width;
      const inside = Math.min(left + tileWidth, width);
      for (let column = left; column < inside; column++) histogram[channel[from + column]]++;
      for (let column = Math.max(left, width); column < left + tileWidth; column++) {
        histogram[channel[from + within(column, width, "reflect-101")]]++;
      }
    }
    if (clip > 0) limit(histogram, Math.max(1, Math.trunc(clip * area / 256)));
    for (let i = 0, sum = 0; i < 256; i++) {
      sum += histogram[i];
      curves[256 * tile + i] = roundHalfToEven(sum * 255 / area);
    }
  }
  const out = new Uint8Array(channel.length);
  const columns = blends(width, tileWidth, tiles), rows = blends(height, tileHeight, tiles);
  for (let row = 0, i = 0; row < height; row++) {
    const up = rows.first[row] * tiles, down = rows.second[row] * tiles, v = rows.weight[row];
    for (let column = 0; column < width; column++, i++) {
      const left = columns.first[column], right = columns.second[column];
      const u = columns.weight[column], value = channel[i];
      const a = curves[((up + left) << 8) + value], b = curves[((up + right) << 8) + value];
      const c = curves[((down + left) << 8) + value], d = curves[((down + right) << 8) + value];
      out[i] = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v + 0.5;
    }
  }
  return out;
}

/** Cuts counts above `most` off and spreads them evenly, the rest over bins at equal distances. */
function limit(histogram: Int32Array, most: number): void {
  let excess = 0;
  for (let i = 0; i < 256; i++) {
    if (histogram[i] <= most) continue;
    excess += histogram[i] - most;
    histogram[i] = most;
  }
  const each = Math.floor(excess / 256), step = Math.max(1, Math.floor(256 / (excess % 256)));
  let rest = excess % 256;
  for (let i = 0; i < 256; i++) histogram[i] += each;
  for (let i = 0; i < 256 && rest > 0; i += step, rest--) histogram[i]++;
}

/** As OpenCV rounds. */
function roundHalfToEven(value: number): number {
  const up = Math.floor(value + 0.5);
  return up - value === 0.5 && up % 2 === 1 ? up - 1 : up;
}

/** For each pixel along a side the tiles before and after it, and the weight of the latter. */
function blends(size: number, tileSize: number, tiles: number) {
  const first = new Int32Array(size), second = new Int32Array(size);
  const weight = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const position = i / tileSize - 0.5, before = Math.floor(position);
    first[i] = Math.max(before, 0);
    second[i] = Math.min(before + 1, tiles - 1);
    weight[i] = position - before;
  }
  return { first, second, weight };
}
