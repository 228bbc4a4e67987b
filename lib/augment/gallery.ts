/** Every transform on one sample, to look at. */
import type { Random } from "../base/mod.ts";
import { horizontalFlip, randomRotate90, verticalFlip } from "./flips.ts";
import { originalColourChanges, originalDistortions, originalTransforms } from "./original.ts";
import { stainAugmentation } from "./stain/augment.ts";
import { macenkoNormalization } from "./stain/macenko.ts";
import { reinhardNormalization } from "./stain/reinhard.ts";
import type { Augmentation, Sample } from "./types.ts";

/** One picture of the gallery. */
export interface GalleryEntry {
  /** The transform's name, `Original` for the first. */
  name: string;
  sample: Sample;
}

/** A pale, moderately stained section: what Reinhard's normalization aims at in the gallery. */
const PALE = { mean: [72, 22, -12], deviation: [14, 10, 7] } as const;

/**
 * `sample` as it is, then each transform of the original's composition and each stain transform
 * applied to it once, whatever its probability, with the original's ranges.
 *
 * @param random each transform draws from its own fork, so that one more changes no other picture
 */
export function augmentationGallery(sample: Sample, random: Random): GalleryEntry[] {
  const transforms: Augmentation[] = [
    horizontalFlip(),
    verticalFlip(),
    randomRotate90(),
    ...originalTransforms().filter(({ name }) => name === "ShiftScaleRotate"),
    ...originalDistortions(),
    ...originalColourChanges(),
    stainAugmentation({ strength: 0.2 }),
    macenkoNormalization(),
    reinhardNormalization(PALE),
  ];
  return [
    { name: "Original", sample },
    ...transforms.map((transform) => ({
      name: transform.name,
      sample: transform.apply(sample, random.fork(transform.name)),
    })),
  ];
}
