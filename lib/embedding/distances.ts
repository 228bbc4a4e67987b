/** Euclidean distances of all pairs, and neighbours by them. */

/** A matrix of floats, row-major. */
export interface Matrix {
  values: Float32Array;
  rows: number;
  columns: number;
}

/**
 * Euclidean distances of all pairs of rows, [rows, rows] row-major (float64).
 * Sums of squared differences, not the Gram identity: near points keep their small distances.
 */
export function pairDistances({ values, rows, columns }: Matrix): Float64Array {
  const out = new Float64Array(rows * rows);
  // Blocks of columns, so that wide rows are read from the cache and not from memory.
  const block = 2048;
  for (let from = 0; from < columns; from += block) {
    const to = Math.min(columns, from + block);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < i; j++) {
        let sum = 0;
        const a = i * columns, b = j * columns;
        for (let c = from; c < to; c++) {
          const d = values[a + c] - values[b + c];
          sum += d * d;
        }
        out[i * rows + j] += sum;
      }
    }
  }
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      out[j * rows + i] = out[i * rows + j] = Math.sqrt(out[i * rows + j]);
    }
  }
  return out;
}

/** For each point all others from near to far (ties by index), [n, n-1] row-major. */
export function neighbourOrder(distances: Float64Array, n: number): Int32Array {
  const out = new Int32Array(n * (n - 1));
  for (let i = 0; i < n; i++) {
    const others = Array.from({ length: n }, (_, j) => j).filter((j) => j !== i);
    others.sort((a, b) => distances[i * n + a] - distances[i * n + b] || a - b);
    out.set(others, i * (n - 1));
  }
  return out;
}
