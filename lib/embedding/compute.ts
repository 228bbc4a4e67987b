/** One embedding, computed on the calling thread; `lib/embedding/embed.ts` calls it in a worker. */
import { createRandom } from "../base/mod.ts";
import { type Matrix, pick, planeDistances } from "./distances.ts";
import { pca, pcaFromDistances } from "./pca.ts";
import {
  type ClassSeparation,
  classSeparation,
  type Label,
  rawStress,
  stressOne,
  trustworthiness,
} from "./quality.ts";
import { smacof } from "./smacof.ts";
import { tsne } from "./tsne.ts";
import { umap } from "./umap.ts";

/** The four methods of the original. */
export type EmbeddingMethod = "pca" | "tsne" | "umap" | "mds";

/** What {@link compute} is asked for. Rows are those of the feature table. */
export interface EmbeddingJob {
  method: EmbeddingMethod;
  implementation: "own" | "package";
  seed: number;
  /** Distances of all rows, [rows, rows]. */
  distances: Float64Array;
  rows: number;
  /** Distances and values are multiplied by this first. */
  factor: number;
  trainRows: number[];
  testRows: number[];
  /** t-SNE and MDS: one map of train and test together, instead of one of each. */
  joint: boolean;
  /** The values themselves, for the methods that need them (see {@link needsValues}). */
  train?: Matrix;
  test?: Matrix;
  /** The class of each row. */
  labels?: readonly Label[];
  perplexity: number;
  neighbours: number;
  minDist: number;
  iterations?: number;
}

/** Figures about one set of points (k = 12 where neighbours count); null where there are too few. */
export interface EmbeddingQuality {
  trustworthiness: number | null;
  continuity: number | null;
  /** t-SNE: Kullback-Leibler divergence in nats. */
  divergence?: number;
  /** MDS: raw stress (scikit-learn's `stress_`). */
  stress?: number;
  /** MDS: Kruskal's stress-1. */
  stressOne?: number;
  /** PCA: share of variance of both components. */
  explained?: number[];
  /** What 5 nearest neighbours in the plane know of the classes; absent where there is one class only. */
  separation?: ClassSeparation;
  /** The same among the features themselves: what the plane could at best keep. */
  separationBefore?: ClassSeparation;
}

/** Interleaved coordinates of train and test, in the order of their rows. */
export interface Embedding {
  train: Float32Array;
  test?: Float32Array;
  /** Of the train points. */
  quality: EmbeddingQuality;
  /**
   * How train and test share the plane: `"placed"`: fitted on train, test laid in; `"joint"`: fitted on
   * both; `"apart"`: a map each, whose places do not compare. Absent without test points.
   */
  frame?: "placed" | "joint" | "apart";
  /** Of the test points. */
  testQuality?: EmbeddingQuality;
}

interface Points {
  xy: Float32Array;
  quality: Partial<EmbeddingQuality>;
}

/** Whether a method looks at the values and not only at their distances. */
export function needsValues(
  job: Pick<EmbeddingJob, "method" | "implementation">,
  rows: number,
  columns: number,
): boolean {
  if (job.implementation === "package") return job.method === "pca" || job.method === "tsne";
  return job.method === "pca" && columns <= rows;
}

/** Runs a job; `onProgress` hears shares in [0, 1]. The same job gives the same numbers. */
export async function compute(
  job: EmbeddingJob,
  onProgress?: (share: number) => void,
): Promise<Embedding> {
  // The packages take longer to load than most jobs to run, so only those who ask for them wait.
  const packages = job.implementation === "package" ? await import("./packages.ts") : undefined;
  const { rows, trainRows, testRows, labels } = job;
  const among = (which: number[]) => pick(job.distances, rows, which, which, job.factor);
  const distances = among(trainRows), testDistances = testRows.length ? among(testRows) : undefined;
  const tell = (done: number, total: number) => onProgress?.(0.9 * done / total);
  const [train, test] = embedBoth(job, packages, distances, testDistances, tell);
  const judge = (points: Points, which: number[], before: Float64Array): EmbeddingQuality => ({
    ...judgePoints(points.xy, before, labels && which.map((i) => labels[i]), job.method),
    ...points.quality,
  });
  const quality = judge(train, trainRows, distances);
  onProgress?.(1);
  return {
    train: train.xy,
    quality,
    ...(test && testDistances && {
      test: test.xy,
      frame: job.method === "pca" || job.method === "umap"
        ? "placed" as const
        : job.joint
        ? "joint" as const
        : "apart" as const,
      testQuality: judge(test, testRows, testDistances),
    }),
  };
}

function embedBoth(
  job: EmbeddingJob,
  packages: typeof import("./packages.ts") | undefined,
  distances: Float64Array,
  testDistances: Float64Array | undefined,
  tell: (done: number, total: number) => void,
): [Points, Points | undefined] {
  const { method, trainRows, testRows } = job, n = trainRows.length;
  const cross = () =>
    testRows.length ? pick(job.distances, job.rows, testRows, trainRows, job.factor) : undefined;
  const random = createRandom(job.seed).fork(method);
  if (method === "pca") {
    const { train, test, explained } = packages
      ? packages.packagedPca(job.train!, job.test)
      : job.train
      ? pca(job.train, job.test)
      : pcaFromDistances(distances, n, cross());
    return [{ xy: train, quality: { explained } }, test && { xy: test, quality: {} }];
  }
  if (method === "umap") {
    const { train, test } = umap(distances, n, { ...job, random, cross: cross(), tell });
    return [{ xy: train, quality: {} }, test && { xy: test, quality: {} }];
  }
  // t-SNE and MDS know no new points: one map of all, or one of train and one of test.
  const apart = testDistances !== undefined && !job.joint, half = apart ? 2 : 1;
  const fit = (d: Float64Array, m: number, part: number, values?: Matrix): Points => {
    const inform = (done: number, total: number) => tell(part * total + done, half * total);
    if (m === 1) return { xy: new Float32Array(2), quality: {} };
    if (method === "mds") {
      const options = { random, iterations: job.iterations, onProgress: inform };
      const xy = packages ? packages.packagedMds(d, m, options) : smacof(d, m, options);
      return { xy, quality: {} };
    }
    // Fewer points than the perplexity allows: scikit-learn would refuse, small data sets must not.
    const perplexity = Math.max(1, Math.min(job.perplexity, (m - 1) / 3));
    const options = { random, perplexity, iterations: job.iterations, onProgress: inform };
    const { xy, divergence } = packages
      ? packages.packagedTsne(values!, d, options)
      : tsne(d, m, { ...options, start: pcaFromDistances(d, m).train });
    return { xy, quality: { divergence } };
  };
  if (apart) {
    return [
      fit(distances, n, 0, job.train),
      fit(testDistances, testRows.length, 1, job.test),
    ];
  }
  if (!testDistances) return [fit(distances, n, 0, job.train), undefined];
  const both = [...trainRows, ...testRows];
  const all = pick(job.distances, job.rows, both, both, job.factor);
  const { xy, quality } = fit(all, both.length, 0, job.train && stacked(job.train, job.test!));
  return [{ xy: xy.slice(0, 2 * n), quality }, { xy: xy.slice(2 * n), quality }];
}

/** The rows of one matrix below those of another. */
function stacked(a: Matrix, b: Matrix): Matrix {
  const values = new Float32Array(a.values.length + b.values.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  return { values, rows: a.rows + b.rows, columns: a.columns };
}

/** The figures that every method has, and the stress where distances are meant to be kept. */
function judgePoints(
  xy: Float32Array,
  before: Float64Array,
  labels: readonly Label[] | undefined,
  method: EmbeddingMethod,
): EmbeddingQuality {
  const n = xy.length / 2, after = planeDistances(xy), k = 12, defined = k < n / 2;
  return {
    trustworthiness: defined ? trustworthiness(before, after, n, k) : null,
    continuity: defined ? trustworthiness(after, before, n, k) : null,
    ...(method === "mds" &&
      { stress: rawStress(before, after), stressOne: stressOne(before, after) }),
    ...(labels && n > 5 && new Set(labels).size > 1 && {
      separation: classSeparation(after, labels),
      separationBefore: classSeparation(before, labels),
    }),
  };
}
