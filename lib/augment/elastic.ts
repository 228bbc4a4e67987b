/** Elastic deformation. */
import type { Augmentation } from "./types.ts";
import { smoothed } from "./smooth_noise.ts";
import { type Affine, affineField, type Field, warping } from "./warp.ts";

/** The settings of {@link elasticTransform}. */
export interface ElasticOptions {
  /** Factor of the smoothed displacements, in pixels; default 1. */
  alpha?: number;
  /** Standard deviation in pixels of the Gaussian that smooths them; default 50. */
  sigma?: number;
  /** How far, in pixels, each of the three anchors of the affine part may move; default 50. */
  alphaAffine?: number;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `ElasticTransform` of albumentations 1.1: an affine transform that moves three anchors, then
 * displacements smoothed from uniform noise (Simard, Steinkraus and Platt 2003). With the defaults
 * the displacements are below 0.02 px and the affine part does nearly all. Both are applied in one
 * interpolation; albumentations interpolates twice.
 *
 * @throws {RangeError} when a setting is negative or not finite
 */
export function elasticTransform(options: ElasticOptions = {}): Augmentation {
  const { alpha = 1, sigma = 50, alphaAffine = 50, probability = 0.5 } = options;
  for (const [name, value] of Object.entries({ alpha, sigma, alphaAffine })) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`ElasticTransform ${name}: expected at least 0, got ${value}`);
    }
  }
  return warping("ElasticTransform", probability, (height, width, random) => {
    const moves = Array.from({ length: 6 }, () => random.uniform(-alphaAffine, alphaAffine));
    const affine = anchorsMoved(height, width, moves);
    if (alpha === 0) return affineField(affine);
    const noise = () => {
      const values = new Float32Array(height * width);
      for (let i = 0; i < values.length; i++) values[i] = 2 * random.next() - 1;
      return values;
    };
    return elasticField(height, width, affine, noise(), noise(), alpha, sigma);
  });
}

/**
 * The field for fixed noise.
 *
 * @param affine from {@link anchorsMoved}
 * @param noiseX displacements to the right before smoothing, row-major, in [-1, 1]
 * @param noiseY displacements down
 */
export function elasticField(
  height: number,
  width: number,
  [a, b, c, d, e, f]: Affine,
  noiseX: Float32Array,
  noiseY: Float32Array,
  alpha: number,
  sigma: number,
): Field {
  const right = smoothed(noiseX, height, width, sigma);
  const down = smoothed(noiseY, height, width, sigma);
  const dx = new Float64Array(width), dy = new Float64Array(width);
  return (row, x, y) => {
    right(row, dx);
    down(row, dy);
    for (let column = 0; column < width; column++) {
      const u = column + alpha * dx[column], v = row + alpha * dy[column];
      x[column] = a * u + b * v + c;
      y[column] = d * u + e * v + f;
    }
  };
}

/**
 * Where the pixels come from when the anchors have moved by `moves` (x and y of each, in pixels).
 * The anchors are three corners of a square of a third of the shorter side each way about the
 * centre, taken (height/2, width/2) for (x, y) as albumentations takes it.
 */
export function anchorsMoved(height: number, width: number, moves: readonly number[]): Affine {
  const cx = Math.floor(height / 2), cy = Math.floor(width / 2);
  const side = Math.floor(Math.min(height, width) / 3);
  const to = [cx + side, cy + side, cx + side, cy - side, cx - side, cy - side];
  const [x0, y0, x1, y1, x2, y2] = to.map((value, i) => value + moves[i]);
  const determinant = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  const solve = (v0: number, v1: number, v2: number) => {
    const p = ((v1 - v0) * (y2 - y0) - (v2 - v0) * (y1 - y0)) / determinant;
    const q = ((v2 - v0) * (x1 - x0) - (v1 - v0) * (x2 - x0)) / determinant;
    return [p, q, v0 - p * x0 - q * y0] as const;
  };
  return [...solve(to[0], to[2], to[4]), ...solve(to[1], to[3], to[5])];
}
