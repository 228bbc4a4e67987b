/**
 * The npm packages behind the same interface: what {@link embed} uses for
 * `implementation: "package"`, to compare the project's own implementations with.
 */
import { SMACOF } from "@saehrimnir/druidjs";
import { PCA } from "ml-pca";
import TSNE from "tsne-js";
import { UMAP } from "umap-js";
import type { Random } from "../base/mod.ts";
import { type Matrix, nearest, planeDistances } from "./distances.ts";
import type { Components } from "./pca.ts";
import { divergence, jointProbabilities } from "./tsne.ts";
import type { UmapOptions } from "./umap.ts";

function rowsOf({ values, rows, columns }: Matrix): number[][] {
  return Array.from(
    { length: rows },
    (_, i) => Array.from(values.subarray(i * columns, (i + 1) * columns)),
  );
}

/** ml-pca: the covariance of a tall matrix, NIPALS for a wide one. */
export function packagedPca(train: Matrix, test?: Matrix): Components {
  const wide = train.columns > train.rows;
  const fitted = new PCA(rowsOf(train), {
    method: wide ? "NIPALS" : "covarianceMatrix",
    nCompNIPALS: 2,
    center: true,
  });
  const scores = (m: Matrix) =>
    Float32Array.from(fitted.predict(rowsOf(m), { nComponents: 2 }).to1DArray());
  return {
    train: scores(train),
    test: test && scores(test),
    explained: fitted.getExplainedVariance().slice(0, 2),
  };
}

/** tsne-js, whose Math.random is replaced by `random` while it runs: it knows no seed. */
export function packagedTsne(
  features: Matrix,
  distances: Float64Array,
  options: { random: Random; perplexity: number; iterations?: number },
) {
  const model = new TSNE({
    dim: 2,
    perplexity: options.perplexity,
    nIter: options.iterations ?? 1000,
    metric: "euclidean",
  });
  const native = Math.random;
  try {
    Math.random = () => options.random.next();
    model.init({ data: rowsOf(features), type: "dense" });
    model.run();
  } finally {
    Math.random = native;
  }
  const xy = Float32Array.from((model.getOutput() as number[][]).flat());
  const p = jointProbabilities(distances, features.rows, options.perplexity);
  return { xy, divergence: divergence(p, planeDistances(xy), features.rows) };
}

/** SMACOF of druidjs. */
export function packagedMds(
  distances: Float64Array,
  n: number,
  options: { random: Random; iterations?: number },
): Float32Array {
  const table = Array.from({ length: n }, (_, i) => [...distances.subarray(i * n, (i + 1) * n)]);
  const found = SMACOF.transform(table, {
    d: 2,
    metric: "precomputed",
    iterations: options.iterations ?? 300,
    seed: options.random.int(2 ** 31),
  });
  return Float32Array.from(found.flat());
}

/** umap-js on exact neighbours; it never sees the features, only row numbers. */
export function packagedUmap(
  distances: Float64Array,
  n: number,
  options: UmapOptions,
): { train: Float32Array; test?: Float32Array } {
  const { random, cross, tell } = options, k = Math.min(options.neighbours, n - 1);
  // A "vector" is a row number: known points count from 0, new ones from -1 downwards.
  const distanceFn = ([a]: number[], [b]: number[]) => {
    if (a >= 0 && b >= 0) return distances[a * n + b];
    return cross![a < 0 ? (-1 - a) * n + b : (-1 - b) * n + a];
  };
  const map = new UMAP({
    nNeighbors: k,
    minDist: options.minDist,
    nEpochs: options.iterations,
    random: () => random.next(),
    distanceFn,
  });
  const others = nearest(distances, n, n, k - 1, true);
  const indices = Array.from(
    { length: n },
    (_, i) => [i, ...others.subarray(i * (k - 1), (i + 1) * (k - 1))],
  );
  map.setPrecomputedKNN(indices, indices.map((row, i) => row.map((j) => distances[i * n + j])));
  const epochs = map.initializeFit(Array.from({ length: n }, (_, i) => [i]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    map.step();
    if (epoch % 20 === 0) tell?.(epoch, epochs);
  }
  const train = Float32Array.from(map.getEmbedding().flat());
  if (!cross) return { train };
  const fresh = Array.from({ length: cross.length / n }, (_, i) => [-1 - i]);
  // umap-js takes as many new points as fitted ones for the fitted ones themselves and moves those;
  // one at a time they are always fewer, and no point's place depends on its company.
  return {
    train,
    test: Float32Array.from(fresh.flatMap((point) => map.transform([point]).flat())),
  };
}
