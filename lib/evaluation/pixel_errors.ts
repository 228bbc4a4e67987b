/** Wrong pixels: which way, and at which threshold. */
import type { Mask } from "../image/mod.ts";
import { countOverlap } from "../annotation/mod.ts";

/** Pixels that are wrong, and which way. */
export interface PixelErrors {
  /** Crypt predicted where there is none. */
  falsePositive: number;
  /** Crypt that was not predicted. */
  falseNegative: number;
  /** All crypt pixels of the truth. */
  truth: number;
}

/**
 * Counts wrong pixels; they add up over the images of a donor.
 *
 * @throws {RangeError} when the masks differ in length
 */
export function pixelErrors(predictedMask: Uint8Array, trueMask: Uint8Array): PixelErrors {
  const { both, predicted, truth } = countOverlap(predictedMask, trueMask);
  return { falsePositive: predicted - both, falseNegative: truth - both, truth };
}

/**
 * Dice over a range of thresholds.
 *
 * @param thresholds ascending, in [0, 1]
 * @returns for each threshold the counts' Dice, summed over images (micro average)
 */
export function diceByThreshold(
  images: Iterable<{ probability: Float32Array; truth: Mask }>,
  thresholds: readonly number[],
): { threshold: number; dice: number }[] {
  const both = new Float64Array(thresholds.length + 1);
  const predicted = new Float64Array(thresholds.length + 1);
  let crypt = 0;
  for (const { probability, truth } of images) {
    for (let i = 0; i < probability.length; i++) {
      let below = 0;
      while (below < thresholds.length && probability[i] > thresholds[below]) below++;
      predicted[below]++;
      if (truth.data[i] !== 0) {
        both[below]++;
        crypt++;
      }
    }
  }
  // Crypt at threshold k is what lies above thresholds 0 … k.
  let p = 0, b = 0;
  const out: { threshold: number; dice: number }[] = [];
  for (let k = thresholds.length - 1; k >= 0; k--) {
    p += predicted[k + 1];
    b += both[k + 1];
    out.unshift({ threshold: thresholds[k], dice: p + crypt > 0 ? 2 * b / (p + crypt) : 1 });
  }
  return out;
}
