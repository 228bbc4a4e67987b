/** The ensemble over the images of a data set, one in memory at a time. */
import { ensureMask, type ImageRecord } from "../dataset/mod.ts";
import { type Mask, readRgb, resizeMap, type RgbImage } from "../image/mod.ts";
import { diceScore } from "../annotation/mod.ts";
import type { PredictOptions } from "./bands.ts";
import { cutProbability, predictImage } from "./predict.ts";
import type { TilePredictor } from "./predictor.ts";

/** Settings of {@link predictDataset}. */
export interface DatasetOptions extends Omit<PredictOptions, "onTile" | "deviations"> {
  /** Images are scaled by this before they are tiled, in (0, 1]; default 1. */
  scale?: number;
  /** Probabilities above it are crypt; default 0.5. */
  threshold?: number;
  /** Changes each scaled image first (stain normalization, say). */
  prepare?: (image: RgbImage) => RgbImage;
  /** Hears the tiles done of an image, their number, and the image. */
  onTile?: (done: number, total: number, record: ImageRecord) => void;
}

/** The prediction of one image, in pixels of the full image. */
export interface ImagePrediction {
  record: ImageRecord;
  /** Probability of crypt a pixel, row-major. */
  probability: Float32Array;
  mask: Mask;
  /** The annotation; null where there is none. */
  truth: Mask | null;
  /** Dice of {@link mask} and {@link truth}; null without annotation. */
  dice: number | null;
}

/**
 * Predicts the images of a data set one by one. Where images are scaled, the probability is resized
 * back linearly before it is cut.
 *
 * @throws {RangeError} naming the image that cannot be used; see also {@link predictImage}
 */
export async function* predictDataset(
  records: readonly ImageRecord[],
  ensemble: readonly TilePredictor[],
  options: DatasetOptions,
): AsyncGenerator<ImagePrediction> {
  const { scale = 1, threshold = 0.5, prepare } = options;
  for (const record of records) {
    options.signal?.throwIfAborted();
    const read = await readRgb(record.imagePath, { scale });
    const image = prepare ? prepare(read) : read;
    const small = await predictImage(image, ensemble, {
      ...options,
      onTile: (done, total) => options.onTile?.(done, total, record),
    });
    const { height, width } = record;
    const probability = resizeMap(small, image.height, image.width, height, width);
    const mask = { data: cutProbability(probability, threshold), height, width };
    const truth = record.annotated ? await ensureMask(record) : null;
    const dice = truth && diceScore(mask.data, truth.data);
    yield { record, probability, mask, truth, dice };
  }
}
