/** Differences between two ways to segment the same images. */
import { bootstrapIntervals, type BootstrapOptions } from "./bootstrap.ts";
import { POOLED_SCORES, type PooledScore, poolScores } from "./pooled.ts";
import type { ImageScores } from "./scores.ts";

/** A difference and its interval. */
export interface Difference {
  value: number;
  low: number;
  high: number;
}

/**
 * Differences `a - b` of pooled scores with percentile bootstrap intervals, both sides drawn alike: an
 * image that is hard for both widens the intervals of their scores and not that of their difference.
 * So two ways may differ although their own intervals overlap.
 *
 * @param a,b scores of the same images, in any order
 * @throws {RangeError} naming an image that one side lacks, or when there is none
 *
 * @example
 * ```ts
 * import { type ImageScores, pairedDifferences } from "crypts/evaluation";
 * function aheadOf(unet: ImageScores[], linknet: ImageScores[], patients: Map<string, string>) {
 *   const { dice } = pairedDifferences(unet, linknet, { groupOf: (image) => patients.get(image)! });
 *   return dice.low > 0 ? "Unet is ahead" : "not told apart, or behind";
 * }
 * ```
 */
export function pairedDifferences(
  a: readonly ImageScores[],
  b: readonly ImageScores[],
  options: BootstrapOptions = {},
): Record<PooledScore, Difference> {
  const others = new Map(b.map((score) => [score.image, score]));
  const alone = a.find(({ image }) => !others.has(image));
  if (alone || a.length !== b.length) {
    throw new RangeError(
      "paired differences need the same images on both sides" +
        (alone ? `: ${alone.image} is only in the first` : `, got ${a.length} and ${b.length}`),
    );
  }
  const pairs = a.map((score) => [score, others.get(score.image)!] as const);
  const differences = (drawn: number[]) => {
    const first = poolScores(drawn.map((i) => pairs[i][0]));
    const second = poolScores(drawn.map((i) => pairs[i][1]));
    return Object.fromEntries(
      POOLED_SCORES.map((key) => [key, first[key] - second[key]]),
    ) as Record<PooledScore, number>;
  };
  const intervals = bootstrapIntervals(a.map(({ image }) => image), differences, options);
  const values = differences(pairs.map((_, i) => i));
  return Object.fromEntries(POOLED_SCORES.map((key) => {
    const [low, high] = intervals[key];
    return [key, { value: values[key], low, high }];
  })) as Record<PooledScore, Difference>;
}
