/** How much of the neighbourhood, the distances and the classes an embedding keeps. */
import { nearest, planeDistances } from "./distances.ts";

/** A class of a point. */
export type Label = string | number | boolean;

/**
 * Trustworthiness of `after` given `before` (both [n, n] distances), in [0, 1]: 1 when no point has
 * a new neighbour among its k nearest. Venna and Kaski 2001; scikit-learn's `trustworthiness`.
 * Continuity is the same with the arguments exchanged.
 *
 * @throws {RangeError} when k >= n / 2, where the measure is not defined
 */
export function trustworthiness(
  before: Float64Array,
  after: Float64Array,
  n: number,
  k = 12,
): number {
  if (!(k >= 1 && k < n / 2)) {
    throw new RangeError(`k must be at least 1 and below n/2 = ${n / 2}, got ${k}`);
  }
  const sum = trustPenalty(before, after, Array.from({ length: n }, (_, i) => i), n, k);
  return 1 - trustShare(sum, n, n, k);
}

/** The penalty of all `counted` points over the largest there can be among n. */
export function trustShare(penalty: number, counted: number, n: number, k: number): number {
  return penalty * 2 / (counted * k * (2 * n - 3 * k - 1));
}

/**
 * By how many ranks the k nearest in `after` of some points lie beyond the k nearest in `before`,
 * added up: what trustworthiness takes off. Row r of both matrices [selves.length, n] has the
 * distances from point `selves[r]` to all n.
 */
export function trustPenalty(
  before: Float64Array,
  after: Float64Array,
  selves: ArrayLike<number>,
  n: number,
  k: number,
): number {
  const then = nearest(after, selves.length, n, k, true, selves);
  let penalty = 0;
  for (let i = 0; i < selves.length; i++) {
    for (let r = 0; r < k; r++) {
      const j = then[i * k + r], d = before[i * n + j], self = selves[i];
      let rank = 1;
      for (let l = 0; l < n; l++) {
        const other = before[i * n + l];
        if ((other < d || (other === d && l < j)) && l !== self) rank++;
      }
      penalty += Math.max(0, rank - k);
    }
  }
  return penalty;
}

/** Raw metric stress: sum over pairs of (distance - embedded distance) squared; scikit-learn's `stress_`. */
export function rawStress(before: Float64Array, after: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < before.length; i++) sum += (before[i] - after[i]) ** 2;
  return sum / 2;
}

/** Kruskal's stress-1 in [0, 1]: the root of raw stress over the sum of squared embedded distances. */
export function stressOne(before: Float64Array, after: Float64Array): number {
  let sum = 0;
  for (const d of after) sum += d * d;
  return sum > 0 ? Math.sqrt(rawStress(before, after) / (sum / 2)) : 0;
}

/**
 * Leave-one-out accuracy of the k-nearest-neighbour classifier in the plane, in [0, 1]: how well
 * `labels` (classes, or donors) are separated there. In a tied vote the nearest class wins.
 *
 * @param xy interleaved coordinates
 * @throws {RangeError} when the counts differ or k is not below the number of points
 */
export function separability(xy: Float32Array, labels: readonly Label[], k = 5): number {
  if (xy.length !== 2 * labels.length) {
    throw new RangeError(
      `${labels.length} labels need ${2 * labels.length} coordinates, got ${xy.length}`,
    );
  }
  return neighbourAccuracy(planeDistances(xy), labels, labels, k, true);
}

/**
 * Accuracy of the k-nearest-neighbour classifier on points whose distances [truth, known] to the
 * known ones are given.
 *
 * @param leaveOut the two sets are one; a point is not its own neighbour
 */
export function neighbourAccuracy(
  distances: Float64Array,
  truth: readonly Label[],
  known: readonly Label[],
  k: number,
  leaveOut: boolean,
): number {
  const guesses = neighbourGuesses(distances, truth.length, known, k, leaveOut);
  return guesses.reduce<number>((sum, guess, i) => sum + (guess === truth[i] ? 1 : 0), 0) /
    truth.length;
}

/** The class that most of the k nearest known points have, for each point; a tie goes to the nearest. */
function neighbourGuesses(
  distances: Float64Array,
  n: number,
  known: readonly Label[],
  k: number,
  leaveOut: boolean,
): Label[] {
  const available = known.length - (leaveOut ? 1 : 0);
  if (!(k >= 1 && k <= available)) {
    throw new RangeError(`k must be in [1, ${available}], the number of neighbours, got ${k}`);
  }
  return votes(nearest(distances, n, known.length, k, leaveOut), known, k);
}

/** The class that most of the k nearest have, a row of `order` [n, k] for each point. */
export function votes(order: Int32Array, known: readonly Label[], k: number): Label[] {
  return Array.from({ length: order.length / k }, (_, i) => {
    const counts = new Map<Label, number>();
    for (let r = 0; r < k; r++) {
      const label = known[order[i * k + r]];
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    // A Map keeps the order of insertion and sort is stable: the nearest class comes first.
    return [...counts].sort((a, b) => b[1] - a[1])[0][0];
  });
}

/** What 5 neighbours know of the classes, and what is reached without knowing anything. */
export interface ClassSeparation {
  /** Leave-one-out accuracy. */
  accuracy: number;
  /** The mean over the classes of the share of each that is guessed; scikit-learn's `balanced_accuracy_score`. */
  balanced: number;
  /** The accuracy of always naming the largest class: what `accuracy` is to be compared with. */
  majority: number;
  /** The balanced accuracy of any guess that does not look: one over the number of classes. */
  chance: number;
}

/**
 * How well the k nearest neighbours tell the classes of points whose distances [n, n] are given, each
 * left out in turn, beside the two baselines without which an accuracy says nothing.
 *
 * @throws {RangeError} when k is not in [1, n - 1]
 * @example
 * ```ts
 * import { classSeparation, planeDistances } from "crypts/embedding";
 * const xy = Float32Array.of(0, 0, 1, 0, 9, 0, 10, 0);
 * classSeparation(planeDistances(xy), ["a", "a", "b", "b"], 1).balanced; // 1, where chance is 0.5
 * ```
 */
export function classSeparation(
  distances: Float64Array,
  labels: readonly Label[],
  k = 5,
): ClassSeparation {
  return separationOf(neighbourGuesses(distances, labels.length, labels, k, true), labels, labels);
}

/** How often `guesses` name the true class, beside the baselines of all points' classes. */
export function separationOf(
  guesses: readonly Label[],
  truth: readonly Label[],
  all: readonly Label[],
): ClassSeparation {
  const counts = new Map<Label, { all: number; right: number }>();
  truth.forEach((label, i) => {
    const count = counts.get(label) ?? { all: 0, right: 0 };
    count.all++;
    if (guesses[i] === label) count.right++;
    counts.set(label, count);
  });
  const classes = [...counts.values()], sizes = new Map<Label, number>();
  for (const label of all) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return {
    accuracy: classes.reduce((sum, { right }) => sum + right, 0) / truth.length,
    balanced: classes.reduce((sum, { all, right }) => sum + right / all, 0) / classes.length,
    majority: Math.max(...sizes.values()) / all.length,
    chance: 1 / sizes.size,
  };
}
