/** One embedding, computed on the calling thread; `lib/embedding.ts` calls it in a worker. */
import { UMAP } from "umap-js";
import { createRandom } from "../random.ts";
import { type Matrix, pairDistances } from "./distances.ts";
import { pca } from "./pca.ts";
import { planeDistances, rawStress, separability, stressOne, trustworthiness } from "./quality.ts";
import { smacof } from "./smacof.ts";
import { tsne } from "./tsne.ts";

/** The four methods of the original. */
export type EmbeddingMethod = "pca" | "tsne" | "umap" | "mds";

/** What {@link compute} is asked for. */
export interface EmbeddingJob {
  train: Matrix;
  test?: Matrix;
  /** Classes of the train rows, for the separability. */
  labels?: (string | number | boolean)[];
  method: EmbeddingMethod;
  seed: number;
  perplexity: number;
  neighbours: number;
  minDist: number;
  iterations?: number;
  /** Scale by the global minimum and maximum first, as the original does. */
  scale: boolean;
}

/** Figures about the train points (k = 12 where neighbours count). */
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
  /** Leave-one-out accuracy of 5 nearest neighbours on `labels`. */
  separability?: number;
}

/** Interleaved coordinates of train and test. */
export interface Embedding {
  train: Float32Array;
  test?: Float32Array;
  quality: EmbeddingQuality;
}

/** Scales train and test by their common minimum and maximum to [0, 1]. */
export function scaleGlobally(parts: Matrix[]): Matrix[] {
  let low = Infinity, high = -Infinity;
  for (const { values } of parts) {
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  const span = high - low || 1;
  return parts.map((m) => ({ ...m, values: m.values.map((v) => (v - low) / span) }));
}

/** Runs a job; `onProgress` hears shares in [0, 1]. The same job gives the same numbers. */
export function compute(job: EmbeddingJob, onProgress?: (share: number) => void): Embedding {
  const parts = [job.train, ...(job.test ? [job.test] : [])];
  const [train, test] = job.scale ? scaleGlobally(parts) : parts;
  const n = train.rows, distances = pairDistances(train);
  onProgress?.(0.1);
  const tell = (done: number, total: number) => onProgress?.(0.1 + 0.8 * done / total);
  const random = createRandom(job.seed).fork(job.method);
  const separate = (m: Matrix, d: Float64Array) => {
    if (job.method === "mds") {
      const xy = smacof(d, m.rows, { random, iterations: job.iterations, onProgress: tell });
      return { xy, divergence: undefined };
    }
    // Fewer points than the perplexity allows: scikit-learn would refuse, small data sets must not.
    const perplexity = Math.max(1, Math.min(job.perplexity, (m.rows - 1) / 3));
    return tsne(d, m.rows, {
      random,
      perplexity,
      iterations: job.iterations,
      start: pca(m).train,
      onProgress: tell,
    });
  };
  let xy: Float32Array, testXy: Float32Array | undefined;
  const quality: Partial<EmbeddingQuality> = {};
  if (job.method === "pca") {
    const fitted = pca(train, test);
    [xy, testXy, quality.explained] = [fitted.train, fitted.test, fitted.explained];
  } else if (job.method === "umap") {
    const rowsOf = (m: Matrix) =>
      Array.from(
        { length: m.rows },
        (_, i) => m.values.subarray(i * m.columns, (i + 1) * m.columns) as unknown as number[],
      );
    const umap = new UMAP({
      nNeighbors: Math.min(job.neighbours, n - 1),
      minDist: job.minDist,
      nEpochs: job.iterations,
      random: () => random.next(),
    });
    const total = umap.initializeFit(rowsOf(train));
    for (let step = 0; step < total; step++) {
      umap.step();
      if (step % 20 === 0) tell(step, total);
    }
    xy = Float32Array.from(umap.getEmbedding().flat());
    if (test) testXy = Float32Array.from(umap.transform(rowsOf(test)).flat());
  } else {
    const fitted = separate(train, distances);
    [xy, quality.divergence] = [fitted.xy, fitted.divergence];
    if (test) testXy = separate(test, pairDistances(test)).xy;
  }
  const plane = planeDistances(xy);
  if (job.method === "mds") {
    quality.stress = rawStress(distances, plane);
    quality.stressOne = stressOne(distances, plane);
  }
  if (job.labels && n > 5) quality.separability = separability(plane, job.labels);
  const k = 12, defined = k < n / 2;
  return {
    train: xy,
    test: testXy,
    quality: {
      trustworthiness: defined ? trustworthiness(distances, plane, n, k) : null,
      continuity: defined ? trustworthiness(plane, distances, n, k) : null,
      ...quality,
    },
  };
}
