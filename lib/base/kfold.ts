/** scikit-learn's `KFold`, shuffle included. */
import { MersenneTwister } from "./mersenne_twister.ts";

/** Indices of one fold, ascending. */
export interface Fold {
  train: number[];
  validation: number[];
}

/**
 * Splits `0 … n-1` into `k` folds as `sklearn.model_selection.KFold(k, shuffle=…, random_state=seed)`
 * does: the first `n % k` folds have one item more, and each item is validated exactly once.
 *
 * @param n number of items
 * @param k number of folds, 2 to `n`
 * @param options.shuffle default false: folds are consecutive
 * @param options.seed of numpy's `RandomState`, an integer in [0, 2^32); default 0
 * @throws {RangeError} for other values
 * @example
 * ```ts
 * kFold(5, 5, { shuffle: true, seed: 0 }).map((fold) => fold.validation[0]); // [2, 0, 1, 3, 4]
 * ```
 */
export function kFold(
  n: number,
  k: number,
  options: { shuffle?: boolean; seed?: number } = {},
): Fold[] {
  if (!(Number.isInteger(n) && n > 0)) throw new RangeError(`n must be positive, got ${n}`);
  if (!(Number.isInteger(k) && k >= 2 && k <= n)) {
    throw new RangeError(`the number of folds must be in 2..${n} for ${n} items, got ${k}`);
  }
  const order = Array.from({ length: n }, (_, i) => i);
  if (options.shuffle) shuffleLikeNumpy(order, options.seed ?? 0);
  const folds: Fold[] = [];
  let start = 0;
  for (let fold = 0; fold < k; fold++) {
    const size = Math.floor(n / k) + (fold < n % k ? 1 : 0);
    const held = new Set(order.slice(start, start + size));
    start += size;
    const all = Array.from({ length: n }, (_, i) => i);
    folds.push({
      train: all.filter((i) => !held.has(i)),
      validation: all.filter((i) => held.has(i)),
    });
  }
  return folds;
}

/** `numpy.random.RandomState(seed).shuffle(items)`, in place. */
function shuffleLikeNumpy(items: number[], seed: number): void {
  const generator = new MersenneTwister(seed);
  for (let i = items.length - 1; i > 0; i--) {
    const j = generator.interval(i);
    [items[i], items[j]] = [items[j], items[i]];
  }
}
