/** Stains made stronger and weaker. */
import type { RgbImage } from "../../image/mod.ts";
import { imageOnly } from "../image_only.ts";
import type { Augmentation } from "../types.ts";
import { mapDensities, RUIFROK, sandwich, stainBasis, type StainVectors } from "../../stain/mod.ts";

/** The settings of {@link stainAugmentation}. */
export interface StainAugmentationOptions {
  /** Half the range of each stain's factor about 1 and of its offset about 0; default 0.05. */
  strength?: number;
  /** Default {@link RUIFROK}. */
  stains?: StainVectors;
  /** Default 0.5. */
  probability?: number;
}

/**
 * Haematoxylin, eosin and the rest each scaled by a factor in 1 ± strength and moved by an offset in
 * ± strength. Source: Tellez et al., "Quantifying the effects of data augmentation and stain color
 * normalization in convolutional neural networks for computational pathology", 2019, whose
 * "HED-light" has strength 0.05 and "HED-strong" 0.2. The offset's unit is natural density here;
 * the paper's is that of scikit-image's `rgb2hed`, which has changed since.
 *
 * @throws {RangeError} when `strength` is outside [0, 1)
 */
export function stainAugmentation(options: StainAugmentationOptions = {}): Augmentation {
  const { strength = 0.05, stains = RUIFROK, probability = 0.5 } = options;
  if (!(strength >= 0 && strength < 1)) {
    throw new RangeError(`StainAugmentation strength: expected 0 to 1, got ${strength}`);
  }
  return imageOnly("StainAugmentation", probability, (image, random) => {
    const draw = () => [0, 1, 2].map(() => random.uniform(-strength, strength));
    const factors = draw().map((value) => 1 + value);
    return stainsScaled(image, factors, draw(), stains);
  });
}

/**
 * The image with fixed factors and offsets (natural density) of haematoxylin, eosin and the rest.
 */
export function stainsScaled(
  image: RgbImage,
  factors: readonly number[],
  offsets: readonly number[],
  stains: StainVectors = RUIFROK,
): RgbImage {
  const { fromStains: m, toStains } = stainBasis(stains);
  const shift = [0, 3, 6].map((row) =>
    m[row] * offsets[0] + m[row + 1] * offsets[1] + m[row + 2] * offsets[2]
  );
  return mapDensities(image, sandwich(m, factors, toStains), shift as [number, number, number]);
}
