/** How much of the neighbourhood, the distances and the classes an embedding keeps. */
import { neighbourOrder, pairDistances } from "./distances.ts";

/** The 2-D points' distances; `xy` is interleaved. */
export function planeDistances(xy: Float32Array): Float64Array {
  return pairDistances({ values: xy, rows: xy.length / 2, columns: 2 });
}

/**
 * Trustworthiness of `after` given `before` (both [n, n] distances): 1 when no point has a new
 * neighbour among its k nearest. Venna and Kaski 2001; scikit-learn's `trustworthiness`.
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
  const first = neighbourOrder(before, n), then = neighbourOrder(after, n);
  const rank = new Int32Array(n);
  let penalty = 0;
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < n - 1; r++) rank[first[i * (n - 1) + r]] = r + 1;
    for (let r = 0; r < k; r++) penalty += Math.max(0, rank[then[i * (n - 1) + r]] - k);
  }
  return 1 - penalty * 2 / (n * k * (2 * n - 3 * k - 1));
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
  return Math.sqrt(rawStress(before, after) / (sum / 2));
}

/**
 * Leave-one-out accuracy of the k-nearest-neighbour classifier in the plane, in [0, 1].
 * The nearest class wins a tie.
 */
export function separability(
  after: Float64Array,
  labels: readonly (string | number | boolean)[],
  k = 5,
): number {
  const n = labels.length;
  if (after.length !== n * n) {
    throw new RangeError(`${n} labels need ${n * n} distances, got ${after.length}`);
  }
  if (k >= n) throw new RangeError(`k must be below the number of points ${n}, got ${k}`);
  const order = neighbourOrder(after, n);
  let right = 0;
  for (let i = 0; i < n; i++) {
    const votes = new Map<unknown, number>();
    for (let r = 0; r < k; r++) {
      const label = labels[order[i * (n - 1) + r]];
      votes.set(label, (votes.get(label) ?? 0) + 1);
    }
    // A Map keeps the order of insertion and sort is stable: the nearest class comes first.
    if ([...votes].sort((a, b) => b[1] - a[1])[0][0] === labels[i]) right++;
  }
  return right / n;
}
