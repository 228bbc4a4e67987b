/** The ensemble over an image in memory. */
import { imageRegions, type RgbImage } from "../image/mod.ts";
import { predictBands, type PredictOptions } from "./bands.ts";
import type { TilePredictor } from "./predictor.ts";

/** Maps of an image, one value a pixel, row-major. */
export interface PredictedMaps {
  /** Probability of crypt, in [0, 1]. */
  probability: Float32Array;
  /** Standard deviation between the models, in [0, 0.5]. */
  modelDeviation: Float32Array;
  /** Standard deviation between the views of test-time augmentation, in [0, 0.5]. */
  viewDeviation: Float32Array;
}

/**
 * The probability of crypt in each pixel of an image.
 *
 * Mode `"original"` is the original's way: padded with 255 on the right and at the bottom, tiles edge
 * to edge, softmax of class 1 averaged over the fold models. Mode `"sliding"` blends overlapping
 * windows (nnU-Net, MONAI's `sliding_window_inference`).
 *
 * @returns row-major, `height * width`, in [0, 1]
 * @throws {RangeError} for an empty ensemble, one of different classes, or settings out of range
 * @throws the signal's reason when aborted
 */
export async function predictImage(
  image: RgbImage,
  ensemble: readonly TilePredictor[],
  options: PredictOptions,
): Promise<Float32Array> {
  const out = new Float32Array(image.height * image.width);
  const bands = predictBands(imageRegions(image), ensemble, { ...options, deviations: false });
  for await (const band of bands) out.set(band.probability, band.top * image.width);
  return out;
}

/** {@link predictImage} with the disagreement of models and views beside the probability. */
export async function predictMaps(
  image: RgbImage,
  ensemble: readonly TilePredictor[],
  options: PredictOptions,
): Promise<PredictedMaps> {
  const size = image.height * image.width;
  const maps = {
    probability: new Float32Array(size),
    modelDeviation: new Float32Array(size),
    viewDeviation: new Float32Array(size),
  };
  const bands = predictBands(imageRegions(image), ensemble, { ...options, deviations: true });
  for await (const band of bands) {
    const at = band.top * image.width;
    maps.probability.set(band.probability, at);
    if (band.modelDeviation) maps.modelDeviation.set(band.modelDeviation, at);
    if (band.viewDeviation) maps.viewDeviation.set(band.viewDeviation, at);
  }
  return maps;
}

/**
 * Probabilities to 0/1: crypt is what lies above the threshold (`>`, as the original).
 *
 * @throws {RangeError} when the threshold is not in [0, 1]
 */
export function cutProbability(probability: Float32Array, threshold = 0.5): Uint8Array {
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`threshold must be in [0, 1], got ${threshold}`);
  }
  const mask = new Uint8Array(probability.length);
  for (let i = 0; i < mask.length; i++) mask[i] = probability[i] > threshold ? 1 : 0;
  return mask;
}
