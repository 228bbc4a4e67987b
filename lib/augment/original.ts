/** The original's augmentation. */
import { gaussianBlur } from "./blur.ts";
import { randomBrightnessContrast } from "./brightness_contrast.ts";
import { clahe } from "./clahe.ts";
import { compose, oneOf } from "./compose.ts";
import { elasticTransform } from "./elastic.ts";
import { horizontalFlip, randomRotate90, verticalFlip } from "./flips.ts";
import { gridDistortion } from "./grid_distortion.ts";
import { hueSaturationValue } from "./hue_saturation_value.ts";
import { gaussNoise } from "./noise.ts";
import { opticalDistortion } from "./optical_distortion.ts";
import { piecewiseAffine } from "./piecewise_affine.ts";
import { shiftScaleRotate } from "./shift_scale_rotate.ts";
import type { Augmentation } from "./types.ts";

/**
 * The members of the original's composition, in its order, ranges and probabilities. Within each of
 * the two choices the members' probabilities are weights.
 */
export function originalTransforms(): Augmentation[] {
  return [
    horizontalFlip(),
    verticalFlip(),
    randomRotate90(),
    shiftScaleRotate({
      shift: 0.0625,
      scale: 0.2,
      rotate: 15,
      border: "reflect",
      probability: 0.9,
    }),
    oneOf(originalDistortions(), 0.3),
    oneOf(originalColourChanges(), 0.3),
  ];
}

/** The first choice: one of them with probability 0.3; the grid is a third as likely as each other. */
export function originalDistortions(): Augmentation[] {
  return [
    elasticTransform({ probability: 0.3 }),
    gaussianBlur(0.3),
    gaussNoise({ probability: 0.3 }),
    opticalDistortion({ probability: 0.3 }),
    gridDistortion({ probability: 0.1 }),
    piecewiseAffine({ probability: 0.3 }),
  ];
}

/** The second choice: one of them with probability 0.3, each as likely. */
export function originalColourChanges(): Augmentation[] {
  return [
    hueSaturationValue({ hue: 15, saturation: 25, value: 0 }),
    clahe({ clip: 2 }),
    randomBrightnessContrast({ brightness: 0.3, contrast: 0.3 }),
  ];
}

/** All of it, one after the other. */
export function originalAugmentation(): Augmentation {
  return compose(originalTransforms());
}
