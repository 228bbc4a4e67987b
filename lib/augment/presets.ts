/** Augmentations by name, so that settings and worker threads can speak of them. */
import { gaussianBlur } from "./blur.ts";
import { randomBrightnessContrast } from "./brightness_contrast.ts";
import { compose, oneOf } from "./compose.ts";
import { elasticTransform } from "./elastic.ts";
import { horizontalFlip, randomRotate90, verticalFlip } from "./flips.ts";
import { gaussNoise } from "./noise.ts";
import { originalAugmentation, originalTransforms } from "./original.ts";
import { stainAugmentation } from "./stain/augment.ts";
import type { Augmentation } from "./types.ts";

const PRESETS: Readonly<Record<string, () => Augmentation | null>> = {
  /** Patches as they are. */
  none: () => null,
  /** Flips and quarter turns, each with probability 0.5: all eight symmetries of the square. */
  flips: () => compose([horizontalFlip(), verticalFlip(), randomRotate90()]),
  /** The original's composition. */
  original: originalAugmentation,
  /** The original's composition and a gentle change of stains (HED-light), for other laboratories. */
  "original+stain": () => compose([...originalTransforms(), stainAugmentation()]),
  /** For crops of sections of many laboratories, see {@link tissueTransforms}. */
  tissue: () => compose(tissueTransforms()),
  /** The same without the change of stains, to measure what that gains. */
  "tissue-stain": () => compose(tissueTransforms().filter((t) => t.name !== "StainAugmentation")),
};

/**
 * All eight symmetries, elastic displacements of a few pixels, stains made stronger and weaker, light,
 * sharpness. Scale and turns by other angles belong to `randomCrop`, which has pixels beyond the crop.
 */
function tissueTransforms(): Augmentation[] {
  return [
    horizontalFlip(),
    verticalFlip(),
    randomRotate90(1),
    elasticTransform({ alpha: 500, sigma: 16, alphaAffine: 0, probability: 0.3 }),
    stainAugmentation({ strength: 0.15, probability: 0.8 }),
    randomBrightnessContrast({ brightness: 0.15, contrast: 0.15, probability: 0.5 }),
    oneOf([gaussianBlur(0.5), gaussNoise({ probability: 0.5 })], 0.2),
  ];
}

/** Names that {@link createAugmentation} knows. */
export function listAugmentations(): string[] {
  return Object.keys(PRESETS);
}

/**
 * The augmentation called `name`; null for "none".
 *
 * @throws {RangeError} for an unknown name, listing the known ones
 */
export function createAugmentation(name: string): Augmentation | null {
  if (!Object.hasOwn(PRESETS, name)) {
    throw new RangeError(
      `unknown augmentation "${name}"; known: ${listAugmentations().join(", ")}`,
    );
  }
  return PRESETS[name]();
}
