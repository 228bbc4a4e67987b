/** UMAP (McInnes, Healy and Melville 2018) of known distances, by the package umap-js. */
import { UMAP } from "umap-js";
import type { Random } from "../base/mod.ts";
import type { Neighbours } from "./rows.ts";

/** Settings of {@link umap}. */
export interface UmapOptions {
  random: Random;
  /** Distance in the map at which near points may lie, in [0, 1]. */
  minDist: number;
  /** Epochs; default umap-js's, 500 for small sets and fewer for larger ones. */
  iterations?: number;
  /** The largest distance known: what is below a millionth of it counts as that millionth. */
  farthest: number;
  tell?: (done: number, total: number) => void;
}

/**
 * Neighbours of each of n points that UMAP works with, itself counted as in umap-learn.
 *
 * @throws {RangeError} for fewer than 3 points or neighbours below 2
 */
export function umapNeighbours({ neighbours }: { neighbours: number }, n: number): number {
  const k = Math.min(neighbours, n - 1);
  if (n < 3) throw new RangeError(`UMAP needs at least 3 points, got ${n}`);
  if (!(k >= 2)) throw new RangeError(`UMAP needs at least 2 neighbours, got ${k}`);
  return k;
}

/**
 * The map of n points by their neighbours (themselves left out), and new points placed in the
 * finished map by their neighbours among the n. The package never sees the features and searches
 * nothing.
 *
 * @returns interleaved coordinates
 */
export function umap(
  near: Neighbours,
  n: number,
  options: UmapOptions,
  placedBy?: Neighbours,
): { train: Float32Array; test?: Float32Array } {
  const { random, tell } = options, k = near.k + 1;
  const map = new UMAP({
    nNeighbors: k,
    minDist: options.minDist,
    nEpochs: options.iterations,
    random: () => random.next(),
  });
  // Points in the same place would get weights of 0 / 0.
  const floor = 1e-6 * (options.farthest || 1);
  const row = <T extends Int32Array | Float64Array>(all: T, i: number) =>
    Array.from(all.subarray(i * near.k, (i + 1) * near.k));
  map.setPrecomputedKNN(
    Array.from({ length: n }, (_, i) => [i, ...row(near.indices, i)]),
    Array.from(
      { length: n },
      (_, i) => [0, ...row(near.distances, i).map((d) => Math.max(floor, d))],
    ),
  );
  const epochs = map.initializeFit(Array.from({ length: n }, (_, i) => [i]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    map.step();
    if (epoch % 20 === 0) tell?.(epoch, epochs);
  }
  const train = Float32Array.from(map.getEmbedding().flat());
  return placedBy ? { train, test: placed(train, placedBy) } : { train };
}

/**
 * New points at the mean of their neighbours' places, weighted as UMAP weighs edges: where its own
 * `transform` starts. Its further steps push new points off their neighbours onto a ring around
 * them (negative samples without the pull from the other end), so they are left out.
 */
function placed(train: Float32Array, { k, indices, distances }: Neighbours): Float32Array {
  const xy = new Float32Array(2 * indices.length / k);
  for (let i = 0; i < xy.length / 2; i++) {
    const weights = edgeWeights(distances.slice(i * k, (i + 1) * k));
    const sum = weights.reduce((a, b) => a + b, 0);
    indices.subarray(i * k, (i + 1) * k).forEach((j, e) => {
      for (const d of [0, 1]) xy[2 * i + d] += weights[e] * train[2 * j + d] / sum;
    });
  }
  return xy;
}

/**
 * exp(-(d - nearest) / width) with the width for which the weights add up to log2 of their number
 * (umap-learn's `smooth_knn_dist` and `compute_membership_strengths`), by bisection.
 */
export function edgeWeights(distances: Float64Array): Float64Array {
  const nearestOne = distances.reduce((a, b) => Math.min(a, b), Infinity);
  const wanted = Math.log2(distances.length);
  const weightsFor = (width: number) => distances.map((d) => Math.exp(-(d - nearestOne) / width));
  const mean = distances.reduce((a, b) => a + b, 0) / distances.length;
  let low = 1e-3 * mean || 1e-12, high = 1e3 * mean || 1;
  for (let step = 0; step < 64; step++) {
    const width = (low + high) / 2;
    if (weightsFor(width).reduce((a, b) => a + b, 0) > wanted) high = width;
    else low = width;
  }
  return weightsFor((low + high) / 2);
}
