/**
 * The npm packages behind the same interface: what `embed` uses for `implementation: "package"`.
 * UMAP is not here: umap-js is its only implementation (`umap.ts`).
 */
import { SMACOF } from "@saehrimnir/druidjs";
import { PCA } from "ml-pca";
import TSNE from "tsne-js";
import type { Random } from "../base/mod.ts";
import { type Matrix, planeDistances } from "./distances.ts";
import type { Components } from "./pca.ts";
import { divergence, jointProbabilities } from "./tsne.ts";

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
