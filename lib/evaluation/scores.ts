/** Pixel and object scores of images in one table. */
import pl, { type DataFrame } from "nodejs-polars";
import type { LabelMask, Mask } from "../image/mod.ts";
import { diceScore, iou, precision, recall } from "../annotation/mod.ts";
import {
  type Crypt,
  type CryptMaps,
  type CryptOptions,
  cryptsOfLabels,
  findCrypts,
} from "../crypts/mod.ts";
import { type ObjectScores, overlapCrypts, scoreObjects } from "./match.ts";

/** All scores of an image. */
export interface ImageScores extends ObjectScores {
  image: string;
  dice: number;
  iou: number;
  pixelPrecision: number;
  pixelRecall: number;
  /** Number of true and predicted crypts. */
  crypts: number;
  predictedCrypts: number;
}

/**
 * Scores a predicted mask by pixels and by crypts.
 *
 * @param predicted the mask; its crypts are found with `options`, grown from `maps.interior` where
 *   that is given
 * @param truth a label mask, whose labels are the true crypts as they are, or a mask, whose
 *   8-connected components of at least `minArea` are (holes filled, none cut)
 * @throws {RangeError} when the masks differ in size
 */
export function scoreImage(
  image: string,
  predicted: Mask,
  truth: Mask | LabelMask,
  options: CryptOptions = {},
  maps: CryptMaps = {},
): ImageScores {
  const { data } = truth;
  const theirs = data instanceof Uint16Array
    ? cryptsOfLabels({ ...truth, data })
    : findCrypts({ ...truth, data }, { minArea: options.minArea });
  return scoreCrypts(image, predicted, truth, findCrypts(predicted, options, maps), theirs);
}

/**
 * {@link scoreImage} of crypts that are known already.
 *
 * @param predicted,truth non-zero pixels are crypt
 * @throws {RangeError} when the masks differ in size
 */
export function scoreCrypts(
  image: string,
  predicted: Mask,
  truth: Mask | LabelMask,
  predictedCrypts: readonly Crypt[],
  trueCrypts: readonly Crypt[],
): ImageScores {
  if (predicted.height !== truth.height || predicted.width !== truth.width) {
    throw new RangeError(
      `${image}: predicted mask of ${predicted.height} x ${predicted.width} (height x width), ` +
        `true mask of ${truth.height} x ${truth.width}`,
    );
  }
  const pixels = truth.data instanceof Uint8Array
    ? truth.data
    : Uint8Array.from(truth.data, (label) => label === 0 ? 0 : 1);
  return {
    image,
    dice: diceScore(predicted.data, pixels),
    iou: iou(predicted.data, pixels),
    pixelPrecision: precision(predicted.data, pixels),
    pixelRecall: recall(predicted.data, pixels),
    crypts: trueCrypts.length,
    predictedCrypts: predictedCrypts.length,
    ...scoreObjects(overlapCrypts(predictedCrypts, trueCrypts)),
  };
}

/**
 * One row per image and a last row `Average`: means of the scores, sums of the counts. An infinite
 * Hausdorff distance (an image where only one side has crypts) is empty and left out of the mean.
 *
 * @throws {RangeError} when there is no image
 */
export function scoreTable(scores: readonly ImageScores[]): DataFrame {
  if (scores.length === 0) throw new RangeError("a table of scores needs at least one image");
  const mean = (values: (number | null)[]) => {
    const known = values.filter((v) => v !== null);
    return known.length > 0 ? known.reduce((a, b) => a + b, 0) / known.length : null;
  };
  const sum = (values: (number | null)[]) => values.reduce((a: number, b) => a + (b ?? 0), 0);
  const columns: [string, (s: ImageScores) => number | null, typeof mean][] = [
    ["dice", (s) => s.dice, mean],
    ["iou", (s) => s.iou, mean],
    ["precision", (s) => s.pixelPrecision, mean],
    ["recall", (s) => s.pixelRecall, mean],
    ["object_f1", (s) => s.f1, mean],
    ["object_precision", (s) => s.precision, mean],
    ["object_recall", (s) => s.recall, mean],
    ["object_dice", (s) => s.objectDice, mean],
    [
      "object_hausdorff_px",
      (s) => Number.isFinite(s.objectHausdorff) ? s.objectHausdorff : null,
      mean,
    ],
    ["crypts", (s) => s.crypts, sum],
    ["predicted", (s) => s.predictedCrypts, sum],
    ["found", (s) => s.truePositives, sum],
    ["spurious", (s) => s.falsePositives, sum],
    ["missed", (s) => s.falseNegatives, sum],
  ];
  const series: Record<string, unknown> = {
    img: pl.Series("img", [...scores.map((s) => s.image), "Average"], pl.Utf8),
  };
  for (const [name, of, total] of columns) {
    const values = scores.map(of), type = total === sum ? pl.Int32 : pl.Float64;
    series[name] = pl.Series(name, [...values, total(values)], type);
  }
  return pl.DataFrame(series);
}
