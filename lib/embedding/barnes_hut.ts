/** The forces of t-SNE by the Barnes-Hut algorithm, in WebAssembly. */

/** `kernel/barnes_hut.c`, compiled; built by `kernel/build.ts`. */
const KERNEL = new WebAssembly.Module(
  Deno.readFileSync(new URL("./kernel/barnes_hut.wasm", import.meta.url)),
);

/** A sparse symmetric matrix by rows: row i has the entries starts[i] .. starts[i + 1]. */
export interface Edges {
  starts: Int32Array;
  ends: Int32Array;
  weights: Float64Array;
}

interface Exports {
  cell_bytes(): number;
  build_tree(xy: number, n: number, order: number, sorted: number, cells: number): number;
  /** sorted, order, cells, used, from, to, theta, force */
  repel(...args: number[]): number;
  /** xy, n, starts, ends, weights, force */
  attract(...args: number[]): void;
}

/**
 * The two forces on n points whose neighbours and their joint probabilities are `edges`. With theta 0
 * every pair counts by itself; with 0.5, scikit-learn's value, a group of points counts as its centre
 * where its cell looks smaller than half its distance.
 *
 * @throws {RangeError} for a theta outside [0, 0.7]: above it a cell could take in the point itself
 */
export class BarnesHut {
  /** Interleaved coordinates: written by the caller, read by the forces. */
  readonly xy: Float64Array;
  /** What {@link forces} found: sum_j p_ij k_ij (y_i - y_j) and sum_j k_ij^2 (y_i - y_j). */
  readonly attraction: Float64Array;
  readonly repulsion: Float64Array;
  readonly #run: Exports;
  readonly #n: number;
  readonly #theta: number;
  readonly #at: Record<"xy" | "sorted" | "weights" | "cells" | "order" | "starts" | "ends", number>;
  readonly #forces: { attraction: number; repulsion: number };

  constructor(n: number, edges: Edges, theta: number) {
    if (!(theta >= 0 && theta <= 0.7)) {
      throw new RangeError(`theta must be in [0, 0.7], got ${theta}`);
    }
    this.#n = n;
    this.#theta = theta;
    const env = { memory: new WebAssembly.Memory({ initial: 2 }) };
    const { exports } = new WebAssembly.Instance(KERNEL, { env });
    this.#run = {
      cell_bytes: exports.cell_bytes as Exports["cell_bytes"],
      build_tree: exports.build_tree as Exports["build_tree"],
      repel: exports.repel as Exports["repel"],
      attract: exports.attract as Exports["attract"],
    };
    let end = 2 ** 17;
    const room = (bytes: number) => {
      const at = end;
      end = Math.ceil((end + bytes) / 16) * 16;
      return at;
    };
    const points = 16 * n;
    this.#at = {
      xy: room(points),
      sorted: room(points),
      weights: room(edges.weights.byteLength),
      cells: room((6 * n + 1) * this.#run.cell_bytes()),
      order: room(4 * n),
      starts: room(edges.starts.byteLength),
      ends: room(edges.ends.byteLength),
    };
    this.#forces = { attraction: room(points), repulsion: room(points) };
    env.memory.grow(Math.ceil(end / 2 ** 16) - 2);
    const { buffer } = env.memory, at = this.#at;
    new Float64Array(buffer, at.weights, edges.weights.length).set(edges.weights);
    new Int32Array(buffer, at.starts, edges.starts.length).set(edges.starts);
    new Int32Array(buffer, at.ends, edges.ends.length).set(edges.ends);
    new Int32Array(buffer, at.order, n).set(Int32Array.from({ length: n }, (_, i) => i));
    this.xy = new Float64Array(buffer, at.xy, 2 * n);
    this.attraction = new Float64Array(buffer, this.#forces.attraction, 2 * n);
    this.repulsion = new Float64Array(buffer, this.#forces.repulsion, 2 * n);
  }

  /** Computes both forces at `xy`; returns the sum of k_ij = 1 / (1 + distance^2) over all i != j. */
  forces(): number {
    const n = this.#n, { xy, sorted, weights, cells, order, starts, ends } = this.#at;
    const { attraction, repulsion } = this.#forces;
    const used = this.#run.build_tree(xy, n, order, sorted, cells);
    const all = this.#run.repel(sorted, order, cells, used, 0, n, this.#theta, repulsion);
    this.#run.attract(xy, n, starts, ends, weights, attraction);
    return all;
  }
}
