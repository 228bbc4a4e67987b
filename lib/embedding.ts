/** Two-dimensional maps of feature tables, computed off the calling thread. */
import type { Embedding, EmbeddingJob, EmbeddingMethod } from "./embedding/compute.ts";
import type { Matrix } from "./embedding/distances.ts";

export type { Embedding, EmbeddingMethod, EmbeddingQuality } from "./embedding/compute.ts";
export type { Matrix } from "./embedding/distances.ts";
export { separability, trustworthiness } from "./embedding/quality.ts";

/** Settings of {@link embed}. */
export interface EmbedOptions {
  method: EmbeddingMethod;
  /** Same seed, same picture. */
  seed: number;
  /** "train" or "test" of each row; without it every row is train. */
  split?: readonly ("train" | "test")[];
  /** The class of each row, for the separability. */
  labels?: readonly (string | number | boolean)[];
  /** t-SNE; default 50 as in the original, less where points are few. */
  perplexity?: number;
  /** UMAP; default 15. */
  neighbours?: number;
  /** UMAP; default 0.1. */
  minDist?: number;
  /** Steps of t-SNE (default 1000), MDS (300) or UMAP (by the number of points). */
  iterations?: number;
  /** Global minimum-maximum scaling as in the original; default true. */
  scale?: boolean;
  /** Hears the share done, in [0, 1]. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

/**
 * Maps the rows of `features` to the plane in a worker thread.
 * PCA and UMAP are fitted on train and applied to test; t-SNE and MDS know no new points and run on
 * both separately. `train` and `test` keep the order of their rows.
 *
 * @throws {RangeError} for sizes that do not fit, no train rows, or values that are not finite
 * @throws the signal's reason when aborted
 */
export function embed(features: Matrix, options: EmbedOptions): Promise<Embedding> {
  const { values, rows, columns } = features, { split, labels, signal } = options;
  if (values.length !== rows * columns) {
    throw new RangeError(
      `${rows} x ${columns} features need ${rows * columns} values, got ${values.length}`,
    );
  }
  for (const [name, list] of [["split", split], ["labels", labels]] as const) {
    if (list && list.length !== rows) {
      throw new RangeError(`${name} must name ${rows} rows, got ${list.length}`);
    }
  }
  const bad = values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new RangeError(
      `feature ${bad % columns} of row ${Math.floor(bad / columns)} is ${values[bad]}`,
    );
  }
  const pick = (which: string) => {
    const chosen = Array.from({ length: rows }, (_, i) => i)
      .filter((i) => (split?.[i] ?? "train") === which);
    const out = new Float32Array(chosen.length * columns);
    chosen.forEach((row, i) =>
      out.set(values.subarray(row * columns, (row + 1) * columns), i * columns)
    );
    return { chosen, matrix: { values: out, rows: chosen.length, columns } };
  };
  const train = pick("train"), test = pick("test");
  if (train.chosen.length < 4) {
    throw new RangeError(`an embedding needs at least 4 train rows, got ${train.chosen.length}`);
  }
  const job: EmbeddingJob = {
    train: train.matrix,
    test: test.chosen.length ? test.matrix : undefined,
    labels: labels && train.chosen.map((i) => labels[i]),
    method: options.method,
    seed: options.seed,
    perplexity: options.perplexity ?? 50,
    neighbours: options.neighbours ?? 15,
    minDist: options.minDist ?? 0.1,
    iterations: options.iterations,
    scale: options.scale ?? true,
  };
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./embedding/worker.ts", import.meta.url), {
      type: "module",
    });
    const end = (act: () => void) => {
      worker.terminate();
      signal?.removeEventListener("abort", abort);
      act();
    };
    const abort = () => end(() => reject(signal!.reason));
    signal?.addEventListener("abort", abort);
    worker.onerror = (event) => {
      event.preventDefault();
      end(() => reject(new Error(`embedding worker: ${event.message}`)));
    };
    worker.onmessage = ({ data }) => {
      if ("share" in data) return options.onProgress?.(data.share);
      if ("result" in data) return end(() => resolve(data.result));
      const Kind = data.name === "RangeError" ? RangeError : Error;
      end(() => reject(new Kind(data.error)));
    };
    const buffers = [job.train.values.buffer, ...(job.test ? [job.test.values.buffer] : [])];
    worker.postMessage(job, buffers as ArrayBuffer[]);
  });
}
