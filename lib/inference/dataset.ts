/** The ensemble over the images of a data set, one in memory at a time. */
import { diceScore } from "../annotation/mod.ts";
import type { Crypt } from "../crypts/mod.ts";
import { ensureMask, type ImageRecord } from "../dataset/mod.ts";
import type { Mask } from "../image/mod.ts";
import { openImage, type OpenOptions } from "./open_image.ts";
import { segmentImage } from "./pipeline.ts";
import type { TilePredictor } from "./predictor.ts";
import { checkSettings, type SegmentSettings } from "./settings.ts";
import type { Trust } from "./trust.ts";

/** Settings of {@link predictDataset}. */
export interface DatasetOptions
  extends Omit<SegmentSettings, "onTile">, Omit<OpenOptions, "pixelSize"> {
  /** Called with the tiles done of an image, their number, and the image. */
  onTile?: (done: number, total: number, record: ImageRecord) => void;
}

/** The prediction of one image, in pixels of the full image. */
export interface ImagePrediction {
  record: ImageRecord;
  /** Probability of crypt per pixel, row-major. */
  probability: Float32Array;
  mask: Mask;
  /** The predicted crypts, found as the settings say, at each call. */
  crypts(): Crypt[];
  trust: Trust;
  /** The annotation; null where there is none. */
  truth: Mask | null;
  /** Dice of {@link mask} and {@link truth}; null without annotation. */
  dice: number | null;
}

/**
 * Predicts the images of a data set one by one. Where images are scaled, the probability is resized
 * back linearly before it is cut.
 *
 * @throws {RangeError} naming the image that cannot be used; see also `segmentImage`
 */
export async function* predictDataset(
  records: readonly ImageRecord[],
  ensemble: readonly TilePredictor[],
  options: DatasetOptions,
): AsyncGenerator<ImagePrediction> {
  const { onTile, ...settings } = options;
  checkSettings(settings);
  for (const record of records) {
    options.signal?.throwIfAborted();
    const { imagePath, pixelSize, height, width } = record;
    const image = await openImage(imagePath, { ...options, pixelSize });
    const probability = new Float32Array(height * width);
    const found = await segmentImage(image, ensemble, {
      ...settings,
      onTile: (done, total) => onTile?.(done, total, record),
    }, {
      onBand: (band) => probability.set(band.probability, band.top * width),
    });
    const mask = found.mask(), truth = record.annotated ? await ensureMask(record) : null;
    const dice = truth && diceScore(mask.data, truth.data);
    yield {
      record,
      probability,
      mask,
      crypts: () => [...found.crypts()],
      trust: found.trust,
      truth,
      dice,
    };
  }
}
