/** What an augmentation is: one change of an image and its mask together. */
import type { Mask, RgbImage } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";

/** An image and its mask, of one size. */
export interface Sample {
  image: RgbImage;
  /** 0 is background; crypts are 1, or have a value each: transforms move values, they make none. */
  mask: Mask;
}

/**
 * A transform as a value. Applied to a sample it gives a new one: same input and same state of
 * `random`, same output. The input is never written to; an output may share memory with it.
 */
export interface Augmentation {
  /** The name in albumentations, e.g. `HorizontalFlip`. */
  readonly name: string;
  /** With which probability it is applied, in [0, 1]; the rest of the time the sample stays. */
  readonly probability: number;
  /** Applies it regardless of `probability`; every random choice is drawn from `random`. */
  apply(sample: Sample, random: Random): Sample;
}

/** @throws {RangeError} naming the transform when `probability` is outside [0, 1] */
export function checkProbability(name: string, probability: number): number {
  if (!(probability >= 0 && probability <= 1)) {
    throw new RangeError(`${name}: probability must be in [0, 1], got ${probability}`);
  }
  return probability;
}
