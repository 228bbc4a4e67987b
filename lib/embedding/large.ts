/** Embeddings of tables too large for the distances of all pairs: time and memory grow with n log n. */
import { createRandom, type Random } from "../base/mod.ts";
import { type Matrix, pairDistances, stacked } from "./distances.ts";
import { type Embedding, type EmbeddingJob, frameOf, type Points } from "./job.ts";
import { landmarkMds, LANDMARKS } from "./landmark_mds.ts";
import { neighbourTsne } from "./neighbour_tsne.ts";
import { pca, pcaFromDistances } from "./pca.ts";
import type { Label } from "./quality.ts";
import { RowDistances } from "./rows.ts";
import { sampledQuality } from "./sampled_quality.ts";
import { smacof } from "./smacof.ts";
import { tsne } from "./tsne.ts";
import { umap, umapNeighbours } from "./umap.ts";

/**
 * Rows up to which all distances are computed and every method is exact. At this size Barnes-Hut takes
 * a third of the exact method's time, and a matrix of distances 32 MB.
 */
export const EXACT_ROWS = 2000;

const THETA = 0.5;

/** A job without distances: neighbours by comparison with all rows, forces by Barnes-Hut, landmarks. */
export function computeFromValues(
  job: EmbeddingJob,
  onProgress?: (share: number) => void,
): Embedding {
  const { train, test, trainRows, testRows, method, labels } = job;
  if (!train) throw new RangeError("an embedding needs distances or values, got neither");
  const tell = (share: number) => onProgress?.(0.9 * share);
  const [first, second] = mapBoth(job, train, test, tell);
  const judge = (points: Points, table: Matrix, rows: number[]) => ({
    ...sampledQuality(points.xy, table, labelsOf(labels, rows), method),
    ...points.quality,
  });
  const quality = judge(first, train, trainRows);
  const testQuality = second && test && judge(second, test, testRows);
  onProgress?.(1);
  const { approximation } = first;
  return {
    train: first.xy,
    quality,
    ...(second && { test: second.xy, frame: frameOf(job), testQuality }),
    ...(approximation && { approximation }),
  };
}

function labelsOf(labels: readonly Label[] | undefined, rows: number[]) {
  return labels && rows.map((i) => labels[i]);
}

function mapBoth(
  job: EmbeddingJob,
  train: Matrix,
  test: Matrix | undefined,
  tell: (share: number) => void,
): [Points, Points | undefined] {
  const { method } = job, random = createRandom(job.seed).fork(method);
  if (method === "pca") {
    const { train: xy, test: testXy, explained } = pca(train, test);
    return [{ xy, quality: { explained } }, testXy && { xy: testXy, quality: {} }];
  }
  if (method === "umap") return umapBoth(job, train, test, random, tell);
  if (!test) return [fit(job, train, random, tell), undefined];
  if (!job.joint) {
    const half = (part: number) => (share: number) => tell((part + share) / 2);
    return [fit(job, train, random, half(0)), fit(job, test, random, half(1))];
  }
  const all = fit(job, stacked(train, test), random, tell), { xy, quality, approximation } = all;
  return [
    { xy: xy.slice(0, 2 * train.rows), quality, approximation },
    { xy: xy.slice(2 * train.rows), quality },
  ];
}

function umapBoth(
  job: EmbeddingJob,
  train: Matrix,
  test: Matrix | undefined,
  random: Random,
  tell: (share: number) => void,
): [Points, Points | undefined] {
  const n = train.rows, k = umapNeighbours(job, n), rows = new RowDistances(train);
  const near = rows.nearest(indices(n), train, k - 1, true, (done) => tell(done / n / 2));
  const placedBy = test && rows.nearest(indices(test.rows), test, k, false);
  const farthest = near.distances.reduce((a, b) => Math.max(a, b), 0);
  const { train: xy, test: testXy } = umap(
    near,
    n,
    {
      ...{ random, farthest, minDist: job.minDist, iterations: job.iterations },
      tell: (done, total) => tell((1 + done / total) / 2),
    },
    placedBy,
  );
  return [{ xy, quality: {} }, testXy && { xy: testXy, quality: {} }];
}

/** One map of one table by t-SNE or MDS, exact where the table is small. */
function fit(
  job: EmbeddingJob,
  table: Matrix,
  random: Random,
  tell: (share: number) => void,
): Points {
  const n = table.rows, { iterations } = job;
  const inform = (done: number, total: number) => tell(done / total);
  if (n === 1) return { xy: new Float32Array(2), quality: {} };
  const perplexity = Math.max(1, Math.min(job.perplexity, (n - 1) / 3));
  if (n <= job.exactRows) {
    const d = pairDistances(table), options = { random, iterations, onProgress: inform };
    if (job.method === "mds") return { xy: smacof(d, n, options), quality: {} };
    const start = pcaFromDistances(d, n).train;
    const { xy, divergence } = tsne(d, n, { ...options, perplexity, start });
    return { xy, quality: { divergence } };
  }
  if (job.method === "mds") {
    const xy = landmarkMds(table, { random, iterations, onProgress: inform });
    return { xy, quality: {}, approximation: `landmark MDS, ${Math.min(LANDMARKS, n)} landmarks` };
  }
  const k = Math.min(n - 1, Math.floor(3 * perplexity) + 1);
  const near = new RowDistances(table)
    .nearest(indices(n), table, k, true, (done) => tell(done / n / 5));
  const { xy, divergence } = neighbourTsne(near, {
    ...{ random, perplexity, iterations, theta: THETA, start: pca(table).train },
    onProgress: (done, total) => tell((1 + 4 * done / total) / 5),
  });
  return { xy, quality: { divergence }, approximation: `Barnes-Hut t-SNE, theta ${THETA}` };
}

function indices(n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => i);
}
