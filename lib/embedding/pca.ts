/** Principal components through the smaller of the two Gram matrices. */
import { PCA } from "ml-pca";
import type { Matrix } from "./distances.ts";

/**
 * The first two principal components of `train`, and `test` projected on them.
 * Tall matrices go through ml-pca; wide ones (more columns than rows) through the eigenvectors of
 * the rows x rows Gram matrix of the centred data, which has the same components.
 *
 * @returns interleaved scores and the explained share of variance of both components
 */
export function pca(train: Matrix, test?: Matrix) {
  const { rows, columns } = train;
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) mean[c] += train.values[i * columns + c] / rows;
  }
  const axes = columns <= rows ? tallAxes(train) : wideAxes(train, mean);
  for (const axis of axes.vectors) orient(axis);
  const project = (m: Matrix) => {
    const xy = new Float32Array(2 * m.rows);
    for (let i = 0; i < m.rows; i++) {
      axes.vectors.forEach((axis, k) => {
        let sum = 0;
        for (let c = 0; c < columns; c++) sum += (m.values[i * columns + c] - mean[c]) * axis[c];
        xy[2 * i + k] = sum;
      });
    }
    return xy;
  };
  return { train: project(train), test: test && project(test), explained: axes.explained };
}

/** The largest loading is made positive, so that no sign is left to chance (scikit-learn's svd_flip). */
function orient(axis: Float64Array): void {
  let peak = 0;
  for (const v of axis) if (Math.abs(v) > Math.abs(peak)) peak = v;
  if (peak < 0) { for (let c = 0; c < axis.length; c++) axis[c] = -axis[c]; }
}

function tallAxes(m: Matrix) {
  const table = Array.from(
    { length: m.rows },
    (_, i) => Array.from(m.values.subarray(i * m.columns, (i + 1) * m.columns)),
  );
  const fitted = new PCA(table, { method: "covarianceMatrix", center: true });
  const loadings = fitted.getLoadings();
  return {
    vectors: [0, 1].map((k) => Float64Array.from(loadings.getRow(k))),
    explained: fitted.getExplainedVariance().slice(0, 2),
  };
}

function wideAxes(m: Matrix, mean: Float64Array) {
  const { rows, columns, values } = m;
  const gram = new Float64Array(rows * rows), block = 2048;
  for (let from = 0; from < columns; from += block) {
    const to = Math.min(columns, from + block);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let c = from; c < to; c++) {
          sum += (values[i * columns + c] - mean[c]) * (values[j * columns + c] - mean[c]);
        }
        gram[i * rows + j] += sum;
      }
    }
  }
  let trace = 0;
  for (let i = 0; i < rows; i++) {
    trace += gram[i * rows + i];
    for (let j = 0; j < i; j++) gram[j * rows + i] = gram[i * rows + j];
  }
  const vectors: Float64Array[] = [], explained: number[] = [];
  const found: Float64Array[] = [];
  for (let k = 0; k < 2; k++) {
    const { vector, value } = leading(gram, rows, found);
    found.push(vector);
    explained.push(trace > 0 ? value / trace : 0);
    const axis = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < columns; c++) {
        axis[c] += vector[i] * (values[i * columns + c] - mean[c]);
      }
    }
    const norm = Math.sqrt(axis.reduce((s, v) => s + v * v, 0)) || 1;
    vectors.push(axis.map((v) => v / norm));
  }
  return { vectors, explained };
}

/** The leading eigenvector orthogonal to `found`, by power iteration. */
function leading(gram: Float64Array, n: number, found: Float64Array[]) {
  let vector = Float64Array.from({ length: n }, (_, i) => Math.sin(i + 1)), value = 0;
  for (let step = 0; step < 5000; step++) {
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) next[i] += gram[i * n + j] * vector[j];
    }
    for (const other of found) {
      const along = other.reduce((s, v, i) => s + v * next[i], 0);
      for (let i = 0; i < n; i++) next[i] -= along * other[i];
    }
    value = Math.sqrt(next.reduce((s, v) => s + v * v, 0));
    if (value < 1e-30) return { vector: next, value: 0 };
    let moved = 0;
    for (let i = 0; i < n; i++) {
      next[i] /= value;
      moved = Math.max(moved, Math.abs(next[i] - vector[i]));
    }
    vector = next;
    if (moved < 1e-12) break;
  }
  return { vector, value };
}
