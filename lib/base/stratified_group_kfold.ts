/** scikit-learn's `StratifiedGroupKFold` without shuffling. */

/**
 * Assigns groups to `k` folds so that each fold has its share of every class: groups in the order of
 * how unevenly they hold the classes, each to the fold for which the folds' shares then differ least
 * (the smaller fold where that is equal), as `sklearn.model_selection.StratifiedGroupKFold(k)` does; its
 * folds may be numbered otherwise, since there rounding decides between equal ones.
 *
 * @param groups of each item
 * @param classes of each item
 * @param k number of folds, 2 to the number of groups
 * @returns the fold of each group
 * @throws {RangeError} for lists of different lengths, or a `k` out of its range
 * @example
 * ```ts
 * stratifiedGroupKFold(["a", "a", "b", "c"], ["x", "x", "x", "x"], 2); // a in fold 0; b, c in fold 1
 * ```
 */
export function stratifiedGroupKFold(
  groups: readonly string[],
  classes: readonly string[],
  k: number,
): Map<string, number> {
  if (groups.length !== classes.length) {
    throw new RangeError(`${groups.length} groups do not fit ${classes.length} classes`);
  }
  const names = [...new Set(groups)].sort(), kinds = [...new Set(classes)];
  if (!(Number.isInteger(k) && k >= 2 && k <= names.length)) {
    throw new RangeError(
      `the number of folds must be in 2..${names.length} for ${names.length} groups, got ${k}`,
    );
  }
  const total = new Float64Array(kinds.length);
  const counts = new Map(names.map((name) => [name, new Float64Array(kinds.length)]));
  groups.forEach((group, i) => {
    const kind = kinds.indexOf(classes[i]);
    counts.get(group)![kind]++;
    total[kind]++;
  });
  const folds = Array.from({ length: k }, () => new Float64Array(kinds.length));
  const unevenness = new Map(names.map((name) => [name, deviation([...counts.get(name)!])]));
  const order = names.toSorted((a, b) => unevenness.get(b)! - unevenness.get(a)!);
  const foldOf = new Map<string, number>();
  for (const group of order) {
    const own = counts.get(group)!;
    let best = -1, least = Infinity, fewest = Infinity;
    for (let f = 0; f < k; f++) {
      const spread = kinds.reduce((sum, _, c) => {
        const shares = folds.map((fold, i) => (fold[c] + (i === f ? own[c] : 0)) / total[c]);
        return sum + deviation(shares) / kinds.length;
      }, 0);
      const size = folds[f].reduce((a, b) => a + b, 0);
      // Equal but for rounding, which must not decide.
      const equal = best >= 0 && Math.abs(spread - least) <= 1e-8 + 1e-5 * least;
      if (equal ? size < fewest : spread < least) {
        [best, least, fewest] = [f, spread, size];
      }
    }
    folds[best].forEach((_, c) => folds[best][c] += own[c]);
    foldOf.set(group, best);
  }
  return foldOf;
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
