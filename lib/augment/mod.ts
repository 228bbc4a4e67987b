/** Image and mask transformed together, after albumentations. */
export { gaussianBlur } from "./blur.ts";
export { type BrightnessContrastOptions, randomBrightnessContrast } from "./brightness_contrast.ts";
export { clahe, type ClaheOptions } from "./clahe.ts";
export { applyMaybe, compose, oneOf } from "./compose.ts";
export { type ElasticOptions, elasticTransform } from "./elastic.ts";
export { horizontalFlip, randomRotate90, verticalFlip } from "./flips.ts";
export { augmentationGallery } from "./gallery.ts";
export { gridDistortion, type GridDistortionOptions } from "./grid_distortion.ts";
export { hueSaturationValue, type HueSaturationValueOptions } from "./hue_saturation_value.ts";
export { gaussNoise } from "./noise.ts";
export { opticalDistortion, type OpticalDistortionOptions } from "./optical_distortion.ts";
export {
  originalAugmentation,
  originalColourChanges,
  originalDistortions,
  originalTransforms,
} from "./original.ts";
export { piecewiseAffine, type PiecewiseAffineOptions } from "./piecewise_affine.ts";
export { createAugmentation, listAugmentations } from "./presets.ts";
export { randomCrop, type RandomCropOptions } from "./random_crop.ts";
export { shiftScaleRotate, type ShiftScaleRotateOptions } from "./shift_scale_rotate.ts";
export { stainAugmentation, type StainAugmentationOptions } from "./stain/augment.ts";
export { macenkoNormalization } from "./stain/macenko.ts";
export { labStatistics, reinhardNormalization } from "./stain/reinhard.ts";
export type { Augmentation, Sample } from "./types.ts";
