/** Macenko's stain normalization as an augmentation. */
import { MACENKO_REFERENCE, normalizeStain, type Stain } from "../../stain/mod.ts";
import { imageOnly } from "../image_only.ts";
import type { Augmentation } from "../types.ts";

/**
 * Normalizes each image to the stain `target` by `normalizeStain`; images with too little stain to
 * estimate from stay as they are. Off in every preset.
 */
export function macenkoNormalization(
  target: Stain = MACENKO_REFERENCE,
  probability = 1,
): Augmentation {
  return imageOnly("MacenkoNormalization", probability, (image) => normalizeStain(image, target));
}
