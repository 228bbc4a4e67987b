/** The ensemble over an image in memory. */
import type { RgbImage } from "../image/mod.ts";
import { openImage } from "./open_image.ts";
import { segmentImage } from "./pipeline.ts";
import type { TilePredictor } from "./predictor.ts";
import type { SegmentSettings } from "./settings.ts";

/** Maps of an image, one value per pixel, row-major. */
export interface PredictedMaps {
  /** Probability of crypt, in [0, 1]. */
  probability: Float32Array;
  /** Probability of the crypt's boundary; null for models without. */
  boundary: Float32Array | null;
  /** Standard deviation between the models, in [0, 0.5]. */
  modelDeviation: Float32Array;
  /** Standard deviation between the views of test-time augmentation, in [0, 0.5]. */
  viewDeviation: Float32Array;
}

/**
 * The probability of crypt in each pixel of an image, which is taken as it is: not resized.
 *
 * Mode `"original"` is the original's way: padded with 255 on the right and at the bottom, tiles edge
 * to edge, softmax averaged over the fold models. Mode `"sliding"` blends overlapping windows
 * (nnU-Net, MONAI's `sliding_window_inference`).
 *
 * @returns row-major, `height * width`, in [0, 1]
 * @throws as `segmentImage` does
 */
export async function predictImage(
  image: RgbImage,
  ensemble: readonly TilePredictor[],
  options: SegmentSettings,
): Promise<Float32Array> {
  const out = new Float32Array(image.height * image.width);
  await segmentImage(await openImage(image, { scale: 1 }), ensemble, options, {
    onBand: ({ probability, top }) => out.set(probability, top * image.width),
  });
  return out;
}

/** {@link predictImage} with the boundary and the disagreement of models and views beside it. */
export async function predictMaps(
  image: RgbImage,
  ensemble: readonly TilePredictor[],
  options: SegmentSettings,
): Promise<PredictedMaps> {
  const map = () => new Float32Array(image.height * image.width);
  const maps: PredictedMaps = {
    ...{ probability: map(), modelDeviation: map(), viewDeviation: map() },
    boundary: ensemble[0]?.channels === 2 ? map() : null,
  };
  await segmentImage(await openImage(image, { scale: 1 }), ensemble, {
    ...options,
    deviations: true,
  }, {
    onBand: ({ top, probability, boundary, modelDeviation, viewDeviation }) => {
      const at = top * image.width;
      maps.probability.set(probability, at);
      if (boundary) maps.boundary?.set(boundary, at);
      if (modelDeviation) maps.modelDeviation.set(modelDeviation, at);
      if (viewDeviation) maps.viewDeviation.set(viewDeviation, at);
    },
  });
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
