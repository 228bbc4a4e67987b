/** Two-dimensional maps of feature tables, computed off the calling thread. */
import { needsValues } from "./compute.ts";
import { type Matrix, rowsAt } from "./distances.ts";
import type { Embedding, EmbeddingMethod } from "./job.ts";
import { EXACT_ROWS } from "./large.ts";
import type { Label } from "./quality.ts";
import { runInWorker } from "./thread.ts";

/** The four methods, in the order in which the figures show them. */
export const METHODS: readonly EmbeddingMethod[] = ["pca", "tsne", "umap", "mds"];

/** Settings of {@link embed}. */
export interface EmbedOptions {
  method: EmbeddingMethod;
  /** Same seed, same picture. */
  seed: number;
  /** "train" or "test" of each row; without it every row is train. */
  split?: readonly ("train" | "test")[];
  /** The class of each row, for the separability. */
  labels?: readonly Label[];
  /** t-SNE; default 50 as in the original, at most a third of the points. */
  perplexity?: number;
  /** UMAP; default 15. */
  neighbours?: number;
  /** UMAP; default 0.1. */
  minDist?: number;
  /** Steps of t-SNE (default 1000), MDS (300) or UMAP (by the number of points). */
  iterations?: number;
  /** Scaling by the global minimum and maximum as in the original; default true. */
  scale?: boolean;
  /**
   * Of PCA, t-SNE and MDS: the project's own (default), or ml-pca, tsne-js and druidjs. UMAP is
   * always umap-js.
   */
  implementation?: "own" | "package";
  /**
   * t-SNE and MDS know no new points. True (default): one map of train and test together, so that
   * their places can be compared; false: a map each, as in the original, which share no frame.
   */
  joint?: boolean;
  /**
   * Rows up to which the distances of all pairs are computed and every method is exact; default 2000.
   * Above, t-SNE is Barnes-Hut's, MDS places all rows by 1000 landmarks, and figures of quality are
   * estimated from 2000 rows.
   */
  exactRows?: number;
  /** Hears the share done, in [0, 1]. */
  onProgress?: (share: number) => void;
  signal?: AbortSignal;
}

/** Rows up to which the packages are tried: they hold tables of all pairs as arrays of arrays. */
const PACKAGE_ROWS = 10_000;

/** Distances of a table are computed once and serve every method and setting. */
const known = new WeakMap<Float32Array, Promise<Float64Array>>();

/**
 * Maps the rows of `features` to the plane in a worker thread.
 *
 * PCA and UMAP are fitted on train and applied to test; t-SNE and MDS run on both together or apart
 * (`joint`). Up to `exactRows` the distances of all rows are computed once and kept as long as
 * `features.values` lives; the values must not be changed between two calls. Above, nothing of the
 * size of all pairs is made, and `approximation` of the result names what stands in for the exact
 * method.
 *
 * @returns interleaved coordinates, and how good they are
 * @throws {RangeError} for sizes that do not fit, too few train rows, values that are not finite, or
 *   more than 10,000 rows for the packages
 * @throws the signal's reason when aborted
 */
export async function embed(features: Matrix, options: EmbedOptions): Promise<Embedding> {
  const { rows, columns } = features, { method, labels, signal } = options;
  const { low, high } = checkFeatures(features);
  const { trainRows, testRows } = checkRows(rows, options);
  signal?.throwIfAborted();
  const tell = options.onProgress, implementation = options.implementation ?? "own";
  if (implementation === "package" && rows > PACKAGE_ROWS) {
    throw new RangeError(
      `implementation "package" compares all pairs and takes at most ${PACKAGE_ROWS} rows, ` +
        `got ${rows}; "own" has approximate methods`,
    );
  }
  const exactRows = options.exactRows ?? EXACT_ROWS;
  const exact = rows <= exactRows || implementation === "package";
  const fresh = exact && !known.has(features.values);
  const distances = exact
    ? await distancesOf(features, (share) => tell?.(share / 2), signal)
    : undefined;
  signal?.throwIfAborted();
  const factor = options.scale ?? true ? 1 / (high - low || 1) : 1;
  const given = !exact || needsValues({ method, implementation }, trainRows.length, columns);
  const transfer: ArrayBuffer[] = [];
  const values = (which: number[]) => {
    const out = rowsAt(features, which, factor);
    transfer.push(out.values.buffer as ArrayBuffer);
    return out;
  };
  return await runInWorker("embed", {
    method,
    implementation,
    seed: options.seed,
    distances,
    rows,
    exactRows,
    factor,
    trainRows,
    testRows,
    joint: options.joint ?? true,
    train: given ? values(trainRows) : undefined,
    test: given && testRows.length ? values(testRows) : undefined,
    labels,
    perplexity: options.perplexity ?? 50,
    neighbours: options.neighbours ?? 15,
    minDist: options.minDist ?? 0.1,
    iterations: options.iterations,
  }, {
    transfer,
    signal,
    onProgress: (share) => tell?.(fresh ? (1 + share) / 2 : share),
  });
}

/** Which rows are train and which test; the lists of the options must name every row. */
function checkRows(rows: number, { split, labels }: EmbedOptions) {
  for (const [name, list] of [["split", split], ["labels", labels]] as const) {
    if (list && list.length !== rows) {
      throw new RangeError(`${name} must name ${rows} rows, got ${list.length}`);
    }
  }
  const all = Array.from({ length: rows }, (_, i) => i);
  const trainRows = all.filter((i) => (split?.[i] ?? "train") === "train");
  const testRows = all.filter((i) => split?.[i] === "test");
  if (trainRows.length < 4) {
    throw new RangeError(`an embedding needs at least 4 train rows, got ${trainRows.length}`);
  }
  return { trainRows, testRows };
}

/** The range of the values, all of which must be finite. */
function checkFeatures({ values, rows, columns }: Matrix): { low: number; high: number } {
  if (values.length !== rows * columns) {
    throw new RangeError(
      `${rows} x ${columns} features need ${rows * columns} values, got ${values.length}`,
    );
  }
  let low = Infinity, high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (!Number.isFinite(v)) {
      throw new RangeError(`feature ${i % columns} of row ${Math.floor(i / columns)} is ${v}`);
    }
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return { low, high };
}

function distancesOf(
  features: Matrix,
  onProgress: (share: number) => void,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const { values, rows, columns } = features;
  let pending = known.get(values);
  if (!pending) {
    pending = runInWorker("distances", { values, rows, columns }, { onProgress, signal });
    known.set(values, pending);
    pending.catch(() => known.delete(values));
  }
  return pending;
}
