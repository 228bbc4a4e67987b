/** Distances from some rows to all rows of a table that is too large for the distances of all pairs. */
import type { Matrix } from "./distances.ts";

/** `kernel/rows.c`, compiled; built by `kernel/build.ts`. */
const KERNEL = new WebAssembly.Module(
  Deno.readFileSync(new URL("./kernel/rows.wasm", import.meta.url)),
);

/** Rows whose distances are in memory at a time; a quarter of a MiB of 256 columns, a CPU's cache. */
const BLOCK = 128;
/** Leaves room for a block's distances below WebAssembly's 4 GiB. */
const MOST_BYTES = 3.5 * 2 ** 30;

/** The k nearest rows of each of m rows, [m, k], near to far, ties by index. */
export interface Neighbours {
  k: number;
  indices: Int32Array;
  distances: Float64Array;
}

interface Exports {
  squares_between(a: number, m: number, b: number, n: number, width: number, out: number): void;
  /** d, m, n, count, k, skip, which, values */
  smallest(...args: number[]): void;
}

/**
 * One table in WebAssembly's memory, and distances from rows to all of its rows: sums of squared
 * differences, the same numbers as those of `pairDistances`, but never more than 128 rows of them.
 *
 * @throws {RangeError} for a table of more than 3.5 GiB
 */
export class RowDistances {
  readonly rows: number;
  readonly #columns: number;
  readonly #width: number;
  readonly #padded: number;
  readonly #memory: WebAssembly.Memory;
  readonly #run: Exports;
  /** Where the table, the queries, their distances and what was found lie. */
  readonly #at: { table: number; queries: number; squares: number; found: number };

  constructor({ values, rows, columns }: Matrix) {
    this.rows = rows;
    this.#columns = columns;
    this.#padded = Math.ceil(rows / 4) * 4;
    const width = this.#width = Math.ceil(columns / 4) * 4;
    const table = 2 ** 17, queries = table + 4 * this.#padded * width;
    const squares = queries + 4 * BLOCK * width, found = squares + 8 * BLOCK * this.#padded;
    this.#at = { table, queries, squares, found };
    if (found > MOST_BYTES) {
      throw new RangeError(
        `neighbours of ${rows} x ${columns} features need ${(found / 2 ** 30).toFixed(1)} GiB, ` +
          `more than WebAssembly has; average the features of a tile (pool: "average")`,
      );
    }
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(found / 2 ** 16) });
    const { exports } = new WebAssembly.Instance(KERNEL, { env: { memory: this.#memory } });
    this.#run = {
      squares_between: exports.squares_between as Exports["squares_between"],
      smallest: exports.smallest as Exports["smallest"],
    };
    const held = new Float32Array(this.#memory.buffer, table, this.#padded * width);
    for (let i = 0; i < rows; i++) {
      held.set(values.subarray(i * columns, (i + 1) * columns), i * width);
    }
  }

  /** Distances [which.length, rows] from some rows of `from` (default: of the table itself). */
  between(which: ArrayLike<number>, from: Matrix): Float64Array {
    const out = new Float64Array(which.length * this.rows);
    for (let at = 0; at < which.length; at += BLOCK) {
      const count = Math.min(BLOCK, which.length - at);
      this.#squares(from, Array.from({ length: count }, (_, i) => which[at + i]));
      for (let i = 0; i < count; i++) {
        const start = this.#at.squares + 8 * i * this.#padded;
        const row = new Float64Array(this.#memory.buffer, start, this.rows);
        for (let j = 0; j < this.rows; j++) out[(at + i) * this.rows + j] = Math.sqrt(row[j]);
      }
    }
    return out;
  }

  /**
   * The k nearest rows of the table for some rows of `from`, by comparison with all of them.
   *
   * @param leaveOut `from` is the table: a row is not its own neighbour
   * @param onProgress hears the rows done
   */
  nearest(
    which: ArrayLike<number>,
    from: Matrix,
    k: number,
    leaveOut: boolean,
    onProgress?: (done: number) => void,
  ): Neighbours {
    const indices = new Int32Array(which.length * k), distances = new Float64Array(indices.length);
    const valuesAt = this.#at.found,
      indexAt = valuesAt + 8 * BLOCK * k,
      skipAt = indexAt + 4 * BLOCK * k;
    const missing = skipAt + 4 * BLOCK - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 2 ** 16));
    const { buffer } = this.#memory, skip = new Int32Array(buffer, skipAt, BLOCK);
    for (let at = 0; at < which.length; at += BLOCK) {
      const count = Math.min(BLOCK, which.length - at);
      const rows = Array.from({ length: count }, (_, i) => which[at + i]);
      this.#squares(from, rows);
      skip.set(leaveOut ? rows : rows.map(() => -1));
      this.#run.smallest(
        ...[this.#at.squares, count, this.#padded, this.rows],
        ...[k, skipAt, indexAt, valuesAt],
      );
      indices.set(new Int32Array(buffer, indexAt, count * k), at * k);
      const squares = new Float64Array(buffer, valuesAt, count * k);
      for (let e = 0; e < squares.length; e++) distances[at * k + e] = Math.sqrt(squares[e]);
      onProgress?.(at + count);
    }
    return { k, indices, distances };
  }

  /** Squared distances of at most a block of rows, [count, padded]. */
  #squares(from: Matrix, rows: readonly number[]): void {
    const { table, queries, squares } = this.#at, width = this.#width, columns = this.#columns;
    const count = Math.ceil(rows.length / 2) * 2;
    const held = new Float32Array(this.#memory.buffer, queries, count * width);
    rows.forEach((row, i) =>
      held.set(from.values.subarray(row * columns, (row + 1) * columns), i * width)
    );
    this.#run.squares_between(queries, count, table, this.#padded, width, squares);
  }
}
