/** Pixel and object scores of images in one table. */
import pl, { type DataFrame } from "nodejs-polars";
import type { Mask } from "../image/mod.ts";
import { diceScore, iou, precision, recall } from "../annotation/mod.ts";
import { type CryptOptions, findCrypts } from "../crypts/mod.ts";
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
 * @param options what counts as a crypt, on both sides alike
 * @throws {RangeError} when the masks differ in size
 */
export function scoreImage(
  image: string,
  predicted: Mask,
  truth: Mask,
  options: CryptOptions = {},
): ImageScores {
  if (predicted.height !== truth.height || predicted.width !== truth.width) {
    throw new RangeError(
      `${image}: predicted mask of ${predicted.height} x ${predicted.width} (height x width), ` +
        `true mask of ${truth.height} x ${truth.width}`,
    );
  }
  const ours = findCrypts(predicted, options), theirs = findCrypts(truth, options);
  return {
    image,
    dice: diceScore(predicted.data, truth.data),
    iou: iou(predicted.data, truth.data),
    pixelPrecision: precision(predicted.data, truth.data),
    pixelRecall: recall(predicted.data, truth.data),
    crypts: theirs.length,
    predictedCrypts: ours.length,
    ...scoreObjects(overlapCrypts(ours, theirs)),
  };
}

/**
 * One row an image and a last row `Average`: means of the scores, sums of the counts. An infinite
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
    ["invented", (s) => s.falsePositives, sum],
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
