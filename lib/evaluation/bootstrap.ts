/** Percentile bootstrap intervals over images, or over groups of images drawn as a whole. */
import { createRandom } from "../base/mod.ts";

/** Settings of the bootstrap. */
export interface BootstrapOptions {
  /** Resamples; default 2000. */
  repeats?: number;
  /** Share of resamples within the interval, in (0, 1); default 0.95. */
  level?: number;
  /** Default 0. */
  seed?: number;
  /**
   * What is drawn as a whole, e.g. the patient of an image: images of one patient are alike, and
   * drawing them one by one gives intervals that are too narrow. Default: each image alone.
   */
  groupOf?: (image: string) => string;
}

/**
 * Percentile intervals of statistics of images; the same images in the same order with the same seed
 * are drawn alike.
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
 *
 * @param images their names
 * @param statistics of a resample, given as indices into `images`; values that are not finite are left
 *   out of their interval
 * @throws {RangeError} when there is no image or a setting is out of range
 */
export function bootstrapIntervals<K extends string>(
  images: readonly string[],
  statistics: (drawn: number[]) => Record<K, number>,
  options: BootstrapOptions = {},
): Record<K, [low: number, high: number]> {
  const { repeats = 2000, level = 0.95, seed = 0, groupOf = (image) => image } = options;
  if (!(Number.isInteger(repeats) && repeats > 0)) {
    throw new RangeError(`repeats must be a positive integer, got ${repeats}`);
  }
  if (!(level > 0 && level < 1)) throw new RangeError(`level must be in (0, 1), got ${level}`);
  if (images.length === 0) throw new RangeError("confidence intervals need at least one image");
  const groups = [...Map.groupBy(images.keys(), (i) => groupOf(images[i])).values()];
  const random = createRandom(seed).fork("bootstrap");
  const drawn = Array.from(
    { length: repeats },
    () => statistics(groups.flatMap(() => groups[Math.floor(random.next() * groups.length)])),
  );
  const tail = (1 - level) / 2;
  const interval = (key: K): [number, number] => {
    const values = drawn.map((d) => d[key]).filter(Number.isFinite).sort((a, b) => a - b);
    return [quantile(values, tail), quantile(values, 1 - tail)];
  };
  return Object.fromEntries(
    (Object.keys(drawn[0]) as K[]).map((key) => [key, interval(key)]),
  ) as Record<K, [number, number]>;
}

/** Linear interpolation between order statistics, NumPy's default; NaN of nothing. */
function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q, low = Math.floor(at), high = Math.ceil(at);
  return sorted.length === 0 ? NaN : sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}
