/** Euclidean distances of all pairs, parts of them, and neighbours by them. */

/** A matrix of floats, row-major. */
export interface Matrix {
  values: Float32Array;
  rows: number;
  columns: number;
}

/** Some rows of a matrix, in the order of `which`, multiplied by `factor`. */
export function rowsAt(matrix: Matrix, which: ArrayLike<number>, factor = 1): Matrix {
  const { columns } = matrix, values = new Float32Array(which.length * columns);
  for (let i = 0; i < which.length; i++) {
    const from = which[i] * columns;
    for (let c = 0; c < columns; c++) values[i * columns + c] = matrix.values[from + c] * factor;
  }
  return { values, rows: which.length, columns };
}

/** The rows of one matrix below those of another. */
export function stacked(a: Matrix, b: Matrix): Matrix {
  const values = new Float32Array(a.values.length + b.values.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  return { values, rows: a.rows + b.rows, columns: a.columns };
}

/** `kernel/distances.c`, compiled; built by `kernel/build.ts`. */
const KERNEL = new WebAssembly.Module(
  Deno.readFileSync(new URL("./kernel/distances.wasm", import.meta.url)),
);

/** Columns a call: few enough that float32 sums of squares lose nothing that matters. */
const BLOCK = 512;

/**
 * Euclidean distances of all pairs of rows, [rows, rows] row-major.
 * Sums of squared differences, not the Gram identity: near points keep their small distances and
 * copies are 0 apart. Sums are float32 within 512 columns and float64 between them: a relative
 * error below 1e-6.
 *
 * @param onProgress hears the share done, in [0, 1]
 */
export function pairDistances(
  { values, rows, columns }: Matrix,
  onProgress?: (share: number) => void,
): Float64Array {
  const n = Math.ceil(rows / 4) * 4, width = Math.min(BLOCK, Math.ceil(columns / 4) * 4);
  // The stack comes first in memory; this kernel needs none, but the linker keeps its place.
  const at = 2 ** 17, sumsAt = at + 4 * n * width, bytes = sumsAt + 8 * n * n;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 2 ** 16) });
  const { exports } = new WebAssembly.Instance(KERNEL, { env: { memory } });
  const addSquares = exports.add_squares as (x: number, n: number, w: number, out: number) => void;
  const block = new Float32Array(memory.buffer, at, n * width);
  const sums = new Float64Array(memory.buffer, sumsAt, n * n);
  for (let from = 0; from < columns; from += width) {
    const to = Math.min(columns, from + width);
    if (to - from < width) block.fill(0);
    for (let i = 0; i < rows; i++) {
      block.set(values.subarray(i * columns + from, i * columns + to), i * width);
    }
    addSquares(at, n, width, sumsAt);
    onProgress?.(to / columns);
  }
  const out = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      out[j * rows + i] = out[i * rows + j] = Math.sqrt(sums[i * n + j]);
    }
  }
  return out;
}

/** The 2-D points' distances; `xy` is interleaved. */
export function planeDistances(xy: Float32Array): Float64Array {
  const n = xy.length / 2, out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const dx = xy[2 * i] - xy[2 * j], dy = xy[2 * i + 1] - xy[2 * j + 1];
      out[i * n + j] = out[j * n + i] = Math.sqrt(dx * dx + dy * dy);
    }
  }
  return out;
}

/** The [rows.length, columns.length] part of a distance matrix [n, n], times `factor`. */
export function pick(
  distances: Float64Array,
  n: number,
  rows: readonly number[],
  columns: readonly number[],
  factor = 1,
): Float64Array {
  const out = new Float64Array(rows.length * columns.length);
  let at = 0;
  for (const i of rows) for (const j of columns) out[at++] = distances[i * n + j] * factor;
  return out;
}

/**
 * The `k` nearest columns of each row of a distance matrix [rows, columns], near to far, ties by
 * index. `skipSelf` leaves out column i of row i, or column `selves[i]` where given.
 */
export function nearest(
  distances: Float64Array,
  rows: number,
  columns: number,
  k: number,
  skipSelf: boolean,
  selves?: ArrayLike<number>,
): Int32Array {
  const out = new Int32Array(rows * k), far = new Float64Array(k);
  for (let i = 0; i < rows; i++) {
    let held = 0;
    const self = skipSelf ? selves?.[i] ?? i : -1;
    for (let j = 0; j < columns; j++) {
      const d = distances[i * columns + j];
      if (j === self || (held === k && d >= far[k - 1])) continue;
      let at = held < k ? held++ : k - 1;
      for (; at > 0 && far[at - 1] > d; at--) {
        far[at] = far[at - 1];
        out[i * k + at] = out[i * k + at - 1];
      }
      far[at] = d;
      out[i * k + at] = j;
    }
  }
  return out;
}
