/** UMAP (McInnes, Healy and Melville 2018) of known distances, by the package umap-js. */
import { UMAP } from "umap-js";
import type { Random } from "../base/mod.ts";
import { nearest } from "./distances.ts";

/** Settings of {@link umap}. */
export interface UmapOptions {
  random: Random;
  /** Neighbours of each point, itself counted as in umap-learn; at most the number of points. */
  neighbours: number;
  /** Distance in the map at which near points may lie, in [0, 1]. */
  minDist: number;
  /** Epochs; default umap-js's, 500 for small sets and fewer for larger ones. */
  iterations?: number;
  /** Distances [tests, n] from new points to the fitted ones. */
  cross?: Float64Array;
  tell?: (done: number, total: number) => void;
}

/**
 * The map of `distances` [n, n], and new points placed in the finished map. Neighbours are exact: the
 * package never sees the features, only row numbers.
 *
 * @returns interleaved coordinates
 * @throws {RangeError} for fewer than 3 points or neighbours below 2
 */
export function umap(
  distances: Float64Array,
  n: number,
  options: UmapOptions,
): { train: Float32Array; test?: Float32Array } {
  const { random, cross, tell } = options, k = Math.min(options.neighbours, n - 1);
  if (n < 3) throw new RangeError(`UMAP needs at least 3 points, got ${n}`);
  if (!(k >= 2)) throw new RangeError(`UMAP needs at least 2 neighbours, got ${k}`);
  const map = new UMAP({
    nNeighbors: k,
    minDist: options.minDist,
    nEpochs: options.iterations,
    random: () => random.next(),
    distanceFn: ([a], [b]) => distances[a * n + b],
  });
  // Points in the same place would get weights of 0 / 0.
  const floor = 1e-6 * (distances.reduce((a, b) => Math.max(a, b), 0) || 1);
  const others = nearest(distances, n, n, k - 1, true);
  const indices = Array.from(
    { length: n },
    (_, i) => [i, ...others.subarray(i * (k - 1), (i + 1) * (k - 1))],
  );
  map.setPrecomputedKNN(
    indices,
    indices.map((row, i) => row.map((j) => i === j ? 0 : Math.max(floor, distances[i * n + j]))),
  );
  const epochs = map.initializeFit(Array.from({ length: n }, (_, i) => [i]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    map.step();
    if (epoch % 20 === 0) tell?.(epoch, epochs);
  }
  const train = Float32Array.from(map.getEmbedding().flat());
  return cross ? { train, test: placed(train, cross, n, k) } : { train };
}

/**
 * New points at the mean of their neighbours' places, weighted as UMAP weighs edges: where its own
 * `transform` starts. Its further steps push new points off their neighbours onto a ring around
 * them (negative samples without the pull from the other end), so they are left out.
 */
function placed(train: Float32Array, cross: Float64Array, n: number, k: number): Float32Array {
  const tests = cross.length / n, neighbours = nearest(cross, tests, n, k, false);
  const xy = new Float32Array(2 * tests);
  for (let i = 0; i < tests; i++) {
    const near = neighbours.subarray(i * k, (i + 1) * k);
    const weights = edgeWeights(Float64Array.from(near, (j) => cross[i * n + j]));
    const sum = weights.reduce((a, b) => a + b, 0);
    near.forEach((j, e) => {
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
