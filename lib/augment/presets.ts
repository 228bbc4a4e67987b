/** Augmentations by name, so that settings and worker threads can speak of them. */
import { compose } from "./compose.ts";
import { horizontalFlip, randomRotate90, verticalFlip } from "./flips.ts";
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
};

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
