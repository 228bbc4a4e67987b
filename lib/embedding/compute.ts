/** One embedding, computed on the calling thread; `lib/embedding/embed.ts` calls it in a worker. */
import { createRandom } from "../base/mod.ts";
import { type Matrix, nearest, pick, planeDistances, stacked } from "./distances.ts";
import { pca, pcaFromDistances } from "./pca.ts";
import {
  type Embedding,
  type EmbeddingJob,
  type EmbeddingMethod,
  type EmbeddingQuality,
  frameOf,
  type Points,
} from "./job.ts";
import { computeFromValues } from "./large.ts";
import { classSeparation, type Label, rawStress, stressOne, trustworthiness } from "./quality.ts";
import { smacof } from "./smacof.ts";
import { tsne } from "./tsne.ts";
import type { Neighbours } from "./rows.ts";
import { umap, umapNeighbours } from "./umap.ts";

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
  if (!job.distances) return computeFromValues(job, onProgress);
  const { rows, trainRows, testRows, labels } = job, known = job.distances;
  const among = (which: number[]) => pick(known, rows, which, which, job.factor);
  const distances = among(trainRows), testDistances = testRows.length ? among(testRows) : undefined;
  const tell = (done: number, total: number) => onProgress?.(0.9 * done / total);
  const [train, test] = embedBoth(
    { ...job, distances: known },
    packages,
    distances,
    testDistances,
    tell,
  );
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
      frame: frameOf(job),
      testQuality: judge(test, testRows, testDistances),
    }),
  };
}

function embedBoth(
  job: EmbeddingJob & { distances: Float64Array },
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
    const options = { ...job, random, tell }, k = umapNeighbours(job, n), away = cross();
    const { train, test } = umap(
      neighboursIn(distances, n, n, k - 1, true),
      n,
      { ...options, farthest: distances.reduce((a, b) => Math.max(a, b), 0) },
      away && neighboursIn(away, testRows.length, n, k, false),
    );
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

function neighboursIn(
  distances: Float64Array,
  rows: number,
  columns: number,
  k: number,
  leaveOut: boolean,
): Neighbours {
  const indices = nearest(distances, rows, columns, k, leaveOut);
  const at = (e: number) => distances[Math.floor(e / k) * columns + indices[e]];
  return { k, indices, distances: Float64Array.from(indices, (_, e) => at(e)) };
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
