/** Gaussian noise. */
import type { RgbImage } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";
import { imageOnly } from "./image_only.ts";
import { ends } from "./range.ts";
import type { Augmentation } from "./types.ts";

const LEVELS = 65536;
let quantiles: Float32Array | null = null;

/**
 * `GaussNoise` of albumentations 1.1: each channel of each pixel gets its own normal draw, the sum
 * is cut to 0..255 and its fraction dropped (so the picture darkens by half a level, as there).
 *
 * @param options.variance the range of the noise's variance, in squared levels; default 10 to 50
 * @throws {RangeError} when a variance is negative
 */
export function gaussNoise(
  options: { variance?: readonly [low: number, high: number]; probability?: number } = {},
): Augmentation {
  const variance = ends(options.variance ?? [10, 50], "GaussNoise variance");
  if (variance[0] < 0) {
    throw new RangeError(`GaussNoise variance: expected at least 0, got ${variance[0]}`);
  }
  return imageOnly(
    "GaussNoise",
    options.probability ?? 0.5,
    (image, random) => noisy(image, Math.sqrt(random.uniform(...variance)), random),
  );
}

/**
 * The image plus noise of standard deviation `deviation` (levels). Two draws are taken from one
 * number of `random`, each through a table of 65,536 quantiles of the normal distribution, which
 * ends at 4.3 deviations: ten times faster than Box-Muller, and the result is in whole levels.
 */
export function noisy(image: RgbImage, deviation: number, random: Random): RgbImage {
  const table = quantiles ??= normalQuantiles();
  const { data, height, width } = image, out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 2) {
    const word = random.next() * 4294967296;
    const low = word & 65535, high = (word / LEVELS) | 0;
    const first = data[i] + deviation * table[high];
    out[i] = first < 0 ? 0 : first > 255 ? 255 : first;
    if (i + 1 === data.length) break;
    const second = data[i + 1] + deviation * table[low];
    out[i + 1] = second < 0 ? 0 : second > 255 ? 255 : second;
  }
  return { data: out, height, width };
}

function normalQuantiles(): Float32Array {
  const table = new Float32Array(LEVELS);
  for (let i = 0; i < LEVELS / 2; i++) {
    table[i] = lowerQuantile((i + 0.5) / LEVELS);
    table[LEVELS - 1 - i] = -table[i];
  }
  return table;
}

/** The normal quantile of p <= 0.5 by Acklam's rational approximation (relative error 1.2e-9). */
function lowerQuantile(p: number): number {
  if (p < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(p));
    return horner(q, [
      -7.784894002430293e-3,
      -3.223964580411365e-1,
      -2.400758277161838,
      -2.549732539343734,
      4.374664141464968,
      2.938163982698783,
    ]) / horner(q, [
      7.784695709041462e-3,
      3.224671290700398e-1,
      2.445134137142996,
      3.754408661907416,
      1,
    ]);
  }
  const q = p - 0.5;
  return q * horner(q * q, [
    -3.969683028665376e1,
    2.209460984245205e2,
    -2.759285104469687e2,
    1.383577518672690e2,
    -3.066479806614716e1,
    2.506628277459239,
  ]) / horner(q * q, [
    -5.447609879822406e1,
    1.615858368580409e2,
    -1.556989798598866e2,
    6.680131188771972e1,
    -1.328068155288572e1,
    1,
  ]);
}

/** A polynomial, highest power first. */
function horner(x: number, coefficients: readonly number[]): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient);
}
