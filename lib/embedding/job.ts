/** What an embedding is asked for and what it gives. */
import type { Matrix } from "./distances.ts";
import type { ClassSeparation, Label } from "./quality.ts";

/** The four methods of the original. */
export type EmbeddingMethod = "pca" | "tsne" | "umap" | "mds";

/** What `compute` is asked for. Rows are those of the feature table. */
export interface EmbeddingJob {
  method: EmbeddingMethod;
  implementation: "own" | "package";
  seed: number;
  /** Distances of all rows, [rows, rows]; without them the approximate methods work on the values. */
  distances?: Float64Array;
  rows: number;
  /** A map of at most so many rows is exact, with or without given distances; see `EXACT_ROWS`. */
  exactRows: number;
  /** Distances are multiplied by this first; the values given below already are. */
  factor: number;
  trainRows: number[];
  testRows: number[];
  /** t-SNE and MDS: one map of train and test together, instead of one of each. */
  joint: boolean;
  /** The values themselves, for the methods that need them (see `needsValues`). */
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
  /**
   * How many points, drawn at random, the figures were estimated from, each against all points;
   * absent where every point was looked at. Explained variance and divergence are always of all.
   */
  sampled?: number;
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
  /** The method that stands in for the exact one, e.g. "Barnes-Hut t-SNE, theta 0.5"; absent for exact ones. */
  approximation?: string;
}

/** Points in the plane, and what their method says of them. */
export interface Points {
  xy: Float32Array;
  quality: Partial<EmbeddingQuality>;
  approximation?: string;
}

/** How train and test share the plane, by method. */
export function frameOf({ method, joint }: Pick<EmbeddingJob, "method" | "joint">) {
  if (method === "pca" || method === "umap") return "placed" as const;
  return joint ? "joint" as const : "apart" as const;
}
