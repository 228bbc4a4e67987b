/** Optical density: the space in which stains add up (Beer-Lambert). */
import type { RgbImage } from "../image/mod.ts";

/** The density of two stains in red, green and blue: columns of the stain matrix, of length 1. */
export interface StainVectors {
  haematoxylin: readonly [number, number, number];
  eosin: readonly [number, number, number];
}

/** Three by three, row by row. */
export type Matrix = readonly number[];

/** Ruifrok and Johnston's vectors (2001), as in scikit-image's `rgb_from_hed`. */
export const RUIFROK: StainVectors = {
  haematoxylin: [0.65, 0.70, 0.29],
  eosin: [0.07, 0.99, 0.11],
};

/** Natural-logarithm density of each byte, black counting as 1: 0 for white, 5.5 for black. */
export const DENSITY: Float64Array = Float64Array.from(
  { length: 256 },
  (_, byte) => -Math.log(Math.max(byte, 1) / 255),
);

/** The level (0 to 255, not rounded) of a density, in steps of 1/STEPS. */
const STEPS = 2048, LONGEST = 8;
const LEVEL = Float32Array.from(
  { length: STEPS * LONGEST + 1 },
  (_, i) => 255 * Math.exp(-i / STEPS),
);

/** The byte of a density; below 0 is white. */
export function levelOf(density: number): number {
  if (density <= 0) return 255;
  return density >= LONGEST ? 0 : (LEVEL[(density * STEPS + 0.5) | 0] + 0.5) | 0;
}

/** The image whose densities are `matrix · density + offset` of this one's. */
export function mapDensities(
  image: RgbImage,
  m: Matrix,
  offset: readonly [number, number, number] = [0, 0, 0],
): RgbImage {
  const { data, height, width } = image, out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const r = DENSITY[data[i]], g = DENSITY[data[i + 1]], b = DENSITY[data[i + 2]];
    out[i] = levelOf(m[0] * r + m[1] * g + m[2] * b + offset[0]);
    out[i + 1] = levelOf(m[3] * r + m[4] * g + m[5] * b + offset[1]);
    out[i + 2] = levelOf(m[6] * r + m[7] * g + m[8] * b + offset[2]);
  }
  return { data: out, height, width };
}

/**
 * Haematoxylin, eosin and what is perpendicular to both as columns, and the inverse, which takes
 * densities to their concentrations.
 *
 * @throws {RangeError} when the two vectors are parallel
 */
export function stainBasis(stains: StainVectors): { fromStains: Matrix; toStains: Matrix } {
  const h = unit(stains.haematoxylin), e = unit(stains.eosin), rest = unit(cross(h, e));
  if (!rest.every(Number.isFinite)) {
    throw new RangeError(`stain vectors must differ, got ${h.join(", ")} twice`);
  }
  const fromStains = [0, 1, 2].flatMap((i) => [h[i], e[i], rest[i]]);
  // Rows of the inverse: cross products of the columns over their common volume.
  const volume = dot(h, cross(e, rest));
  const toStains = [cross(e, rest), cross(rest, h), cross(h, e)].flat().map((v) => v / volume);
  return { fromStains, toStains };
}

/** `a · diag(scale) · b`, three by three. */
export function sandwich(a: Matrix, scale: readonly number[], b: Matrix): Matrix {
  return Array.from({ length: 9 }, (_, i) => {
    const row = 3 * Math.floor(i / 3), column = i % 3;
    return [0, 1, 2].reduce((sum, k) => sum + a[row + k] * scale[k] * b[3 * k + column], 0);
  });
}

type Vector = ArrayLike<number>;

function cross(a: Vector, b: Vector): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** The sum of products. */
export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** The vector at length 1. */
export function unit(a: Vector): [number, number, number] {
  const length = Math.sqrt(dot(a, a));
  return [a[0] / length, a[1] / length, a[2] / length];
}
