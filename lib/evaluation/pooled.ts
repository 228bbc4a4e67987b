/** Scores over all images of a data set, as the GlaS challenge ranks by, with confidence intervals. */
import pl, { type DataFrame } from "nodejs-polars";
import { bootstrapIntervals, type BootstrapOptions } from "./bootstrap.ts";
import type { ImageScores } from "./scores.ts";

/** Scores of several images together. */
export interface PooledScores {
  images: number;
  /** True and predicted crypts. */
  crypts: number;
  predictedCrypts: number;
  /** Mean over images. */
  dice: number;
  /** Of all crypts of all images. */
  f1: number;
  precision: number;
  recall: number;
  objectDice: number;
  /**
   * In pixels, over images where both sides have crypts: elsewhere the distance is infinite.
   * NaN where no image is left.
   */
  objectHausdorff: number;
}

/** The scores that have confidence intervals, in the order of the tables. */
export const POOLED_SCORES = [
  "dice",
  "f1",
  "precision",
  "recall",
  "objectDice",
  "objectHausdorff",
] as const;

/** One of {@link POOLED_SCORES}. */
export type PooledScore = (typeof POOLED_SCORES)[number];

/** What {@link poolScores} needs of an image. */
export type PoolableScores = Pick<
  ImageScores,
  | "dice"
  | "truePositives"
  | "falsePositives"
  | "falseNegatives"
  | "crypts"
  | "predictedCrypts"
  | "sums"
>;

/**
 * Scores images together: detections are counted and object Dice and Hausdorff distances are weighted
 * by area over the crypts of all images, as the GlaS challenge does (Sirinukunwattana et al. 2017);
 * an image with many crypts weighs more than one with few.
 *
 * @throws {RangeError} when there is no image
 */
export function poolScores(scores: readonly PoolableScores[]): PooledScores {
  if (scores.length === 0) throw new RangeError("pooled scores need at least one image");
  const total = (of: (score: PoolableScores) => number) =>
    scores.reduce((sum, s) => sum + of(s), 0);
  const found = total((s) => s.truePositives);
  const predicted = found + total((s) => s.falsePositives);
  const crypts = found + total((s) => s.falseNegatives);
  const share = (of: number) => of > 0 ? found / of : predicted + crypts === 0 ? 1 : 0;
  const sides = (images: readonly PoolableScores[], what: "dice" | "hausdorff") => {
    const mean = (side: "predicted" | "truth") =>
      images.reduce((sum, { sums }) => sum + sums[side][what], 0) /
      images.reduce((sum, { sums }) => sum + sums[side].area, 0);
    return (mean("predicted") + mean("truth")) / 2;
  };
  return {
    images: scores.length,
    crypts,
    predictedCrypts: predicted,
    dice: total((s) => s.dice) / scores.length,
    f1: predicted + crypts === 0 ? 1 : 2 * found / (predicted + crypts),
    precision: share(predicted),
    recall: share(crypts),
    objectDice: predicted > 0 && crypts > 0
      ? sides(scores, "dice")
      : predicted + crypts === 0
      ? 1
      : 0,
    objectHausdorff: sides(
      scores.filter((s) => s.crypts > 0 && s.predictedCrypts > 0),
      "hausdorff",
    ),
  };
}

/**
 * Percentile bootstrap intervals of pooled scores over images (or groups of images).
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
 *
 * @throws {RangeError} when there is no image or a setting is out of range
 */
export function confidenceIntervals(
  scores: readonly ImageScores[],
  options: BootstrapOptions = {},
): Record<PooledScore, [low: number, high: number]> {
  return bootstrapIntervals(
    scores.map(({ image }) => image),
    (drawn) => poolScores(drawn.map((i) => scores[i])),
    options,
  );
}

/**
 * One row per group (patient, grade, …) and a last row over all images, each score with its interval;
 * one image (or one group of what is drawn) alone has none.
 *
 * @param groupOf the group of an image; without it there is the last row only
 * @throws {RangeError} when there is no image
 */
export function pooledTable(
  scores: readonly ImageScores[],
  groupOf: ((image: string) => string) | null = null,
  options: BootstrapOptions = {},
): DataFrame {
  const groups: [string, readonly ImageScores[]][] = groupOf
    ? [...Map.groupBy(scores, ({ image }) => groupOf(image))].sort(([a], [b]) =>
      a.localeCompare(b, "en", { numeric: true })
    )
    : [];
  const rows = [...groups, ["all", scores] as const].map(([group, images]) => {
    const pooled = poolScores(images), intervals = confidenceIntervals(images, options);
    const independent = new Set(images.map(({ image }) => options.groupOf?.(image) ?? image)).size;
    const digits = (key: PooledScore, value: number) =>
      value.toFixed(key === "objectHausdorff" ? 1 : 3);
    const cells = POOLED_SCORES.map((key) => {
      const [low, high] = intervals[key];
      if (independent === 1) return [key, digits(key, pooled[key])];
      return [key, `${digits(key, pooled[key])} (${digits(key, low)} to ${digits(key, high)})`];
    });
    return {
      group,
      images: pooled.images,
      crypts: pooled.crypts,
      predicted: pooled.predictedCrypts,
      ...Object.fromEntries(cells),
    };
  });
  return pl.DataFrame(rows);
}
