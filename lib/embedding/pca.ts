/** Principal components, of the matrix itself or of its distances. */
import type { Matrix } from "./distances.ts";
import { type Eigenpair, leadingEigenpairs } from "./lanczos.ts";

/** Interleaved scores on the first two components, and their shares of the variance. */
export interface Components {
  train: Float32Array;
  test?: Float32Array;
  explained: number[];
}

/**
 * The first two principal components of `train`, and `test` projected on them: the leading
 * eigenvectors of the covariance, which is applied but never formed.
 */
export function pca(train: Matrix, test?: Matrix): Components {
  const { values, rows, columns } = train, mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) mean[c] += values[i * columns + c] / rows;
  }
  let trace = 0;
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < columns; c++) trace += (values[i * columns + c] - mean[c]) ** 2;
  }
  const pairs = leadingEigenpairs(
    (v, out) => {
      // Centred anew each time: a centred copy in float64 would take twice the table's memory.
      for (let i = 0; i < rows; i++) {
        let along = 0;
        const at = i * columns;
        for (let c = 0; c < columns; c++) along += (values[at + c] - mean[c]) * v[c];
        for (let c = 0; c < columns; c++) out[c] += along * (values[at + c] - mean[c]);
      }
    },
    columns,
    2,
  );
  const project = (m: Matrix) => {
    const xy = new Float32Array(2 * m.rows);
    for (let i = 0; i < m.rows; i++) {
      pairs.forEach(({ vector }, k) => {
        let sum = 0;
        for (let c = 0; c < columns; c++) {
          sum += (m.values[i * columns + c] - mean[c]) * vector[c];
        }
        xy[2 * i + k] = sum;
      });
    }
    return xy;
  };
  return orient({ train: project(train), test: test && project(test), ...share(pairs, trace) });
}

/**
 * The same components from distances alone, for matrices with more columns than rows: the
 * eigenvectors of the doubly centred squared distances (Torgerson 1952; they are the Gram matrix of
 * the centred rows), test rows by Gower's formula (1968).
 *
 * @param distances [n, n] among the train rows
 * @param cross [tests, n] from test rows to train rows
 */
export function pcaFromDistances(
  distances: Float64Array,
  n: number,
  cross?: Float64Array,
): Components {
  const gram = new Float64Array(n * n), mean = new Float64Array(n);
  let all = 0, trace = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) mean[i] += distances[i * n + j] ** 2 / n;
    all += mean[i] / n;
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      gram[i * n + j] = -(distances[i * n + j] ** 2 - mean[i] - mean[j] + all) / 2;
    }
    trace += gram[i * n + i];
  }
  const pairs = leadingEigenpairs(
    (v, out) => {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += gram[i * n + j] * v[j];
        out[i] = sum;
      }
    },
    n,
    2,
  );
  const train = new Float32Array(2 * n);
  pairs.forEach(({ value, vector }, k) => {
    for (let i = 0; i < n; i++) train[2 * i + k] = vector[i] * Math.sqrt(value);
  });
  const test = cross && new Float32Array(2 * cross.length / n);
  for (let t = 0; cross && test && t < cross.length / n; t++) {
    let own = 0;
    for (let j = 0; j < n; j++) own += cross[t * n + j] ** 2 / n;
    pairs.forEach(({ value, vector }, k) => {
      let sum = 0;
      for (let j = 0; j < n; j++) {
        sum -= (cross[t * n + j] ** 2 - own - mean[j] + all) / 2 * vector[j];
      }
      test[2 * t + k] = value > 0 ? sum / Math.sqrt(value) : 0;
    });
  }
  return orient({ train, test, ...share(pairs, trace) });
}

function share(pairs: Eigenpair[], trace: number) {
  const values = [...pairs.map((p) => p.value), 0, 0].slice(0, 2);
  return { explained: values.map((v) => trace > 0 ? v / trace : 0) };
}

/** Turns both axes so that the train point farthest out lies on the positive side: no sign by chance. */
function orient(found: Components): Components {
  for (const k of [0, 1]) {
    let peak = 0;
    for (let i = k; i < found.train.length; i += 2) {
      if (Math.abs(found.train[i]) > Math.abs(peak)) peak = found.train[i];
    }
    if (peak >= 0) continue;
    for (const xy of [found.train, found.test ?? new Float32Array()]) {
      for (let i = k; i < xy.length; i += 2) xy[i] = -xy[i];
    }
  }
  return found;
}
