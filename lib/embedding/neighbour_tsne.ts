/** t-SNE of a graph of near neighbours: for tables too large for the distances of all pairs. */
import type { Random } from "../base/mod.ts";
import { BarnesHut, type Edges } from "./barnes_hut.ts";
import { descend } from "./descent.ts";
import type { Neighbours } from "./rows.ts";
import { calibrate } from "./tsne.ts";

/** Settings of {@link neighbourTsne}. */
export interface NeighbourTsneOptions {
  random: Random;
  /** At least 1; the graph should hold three times as many neighbours. */
  perplexity: number;
  /** Where a group of points counts as its centre, in [0, 0.7]; default 0.5, scikit-learn's. */
  theta?: number;
  /** Steps; default 1000. */
  iterations?: number;
  /** Start, interleaved; scaled to a deviation of 1e-4. */
  start: Float32Array;
  onProgress?: (done: number, total: number) => void;
}

/**
 * The joint probabilities of `jointProbabilities`, of which those between points that are not
 * neighbours are 0: a Gaussian a point over its neighbours, then (p_ij + p_ji) / 2n.
 */
export function neighbourProbabilities(
  { k, indices, distances }: Neighbours,
  perplexity: number,
): Edges {
  const n = indices.length / k, own = new Float64Array(n * k), squares = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    for (let e = 0; e < k; e++) squares[e] = distances[i * k + e] ** 2;
    calibrate(squares, perplexity, own.subarray(i * k, (i + 1) * k));
  }
  // Who names a row as neighbour, in ascending order: the transposed matrix.
  const named = new Int32Array(n + 1);
  for (const j of indices) named[j + 1]++;
  for (let i = 0; i < n; i++) named[i + 1] += named[i];
  const next = named.slice(0, n), by = new Int32Array(n * k), from = new Int32Array(n * k);
  for (let e = 0; e < n * k; e++) {
    const at = next[indices[e]]++;
    by[at] = Math.floor(e / k);
    from[at] = e;
  }
  const starts = new Int32Array(n + 1), ends = new Int32Array(2 * n * k);
  const weights = new Float64Array(2 * n * k), placeOf = new Int32Array(n).fill(-1);
  let used = 0;
  for (let i = 0; i < n; i++) {
    const first = used;
    const add = (j: number, p: number) => {
      if (placeOf[j] < first) {
        placeOf[j] = used;
        ends[used++] = j;
      }
      weights[placeOf[j]] += p / (2 * n);
    };
    for (let e = i * k; e < (i + 1) * k; e++) add(indices[e], own[e]);
    for (let at = named[i]; at < named[i + 1]; at++) add(by[at], own[from[at]]);
    starts[i + 1] = used;
  }
  return { starts, ends: ends.slice(0, used), weights: weights.slice(0, used) };
}

/**
 * t-SNE of a neighbour graph [n, k]: the descent of `tsne` with the repulsion by Barnes-Hut.
 *
 * @returns interleaved coordinates and the final Kullback-Leibler divergence in nats, of the
 *   probabilities between neighbours, with the normalization of Barnes-Hut
 * @throws {RangeError} when the perplexity is not in [1, k)
 */
export function neighbourTsne(
  neighbours: Neighbours,
  options: NeighbourTsneOptions,
): { xy: Float32Array; divergence: number } {
  const { perplexity, theta = 0.5, iterations = 1000, start } = options, n = start.length / 2;
  if (!(perplexity >= 1 && perplexity < neighbours.k)) {
    throw new RangeError(
      `perplexity must be at least 1 and below ${neighbours.k} neighbours, got ${perplexity}`,
    );
  }
  const edges = neighbourProbabilities(neighbours, perplexity);
  const tree = new BarnesHut(n, edges, theta), { attraction, repulsion } = tree;
  let square = 0;
  for (let i = 0; i < n; i++) square += start[2 * i] ** 2;
  const scale = 1e-4 / (Math.sqrt(square / n) || 1);
  // The gradient's rounding parts copies in the exact method; here they would stay on one spot.
  for (let i = 0; i < 2 * n; i++) {
    tree.xy[i] = start[i] * scale + options.random.normal(0, 1e-8);
  }
  descend(
    tree.xy,
    { iterations, rate: Math.max(n / 48, 50) },
    (gradient, exaggeration) => {
      const all = tree.forces();
      for (let i = 0; i < 2 * n; i++) {
        gradient[i] = 4 * (exaggeration * attraction[i] - repulsion[i] / all);
      }
    },
    (step) => options.onProgress?.(step, iterations),
  );
  return { xy: Float32Array.from(tree.xy), divergence: edgeDivergence(edges, tree) };
}

function edgeDivergence({ starts, ends, weights }: Edges, tree: BarnesHut): number {
  const all = tree.forces(), { xy } = tree;
  let sum = 0;
  for (let i = 0; i + 1 < starts.length; i++) {
    for (let e = starts[i]; e < starts[i + 1]; e++) {
      const dx = xy[2 * i] - xy[2 * ends[e]], dy = xy[2 * i + 1] - xy[2 * ends[e] + 1];
      const p = weights[e], q = Math.max(1 / (1 + dx * dx + dy * dy) / all, 1e-12);
      if (p > 0) sum += p * Math.log(p / q);
    }
  }
  return sum;
}
