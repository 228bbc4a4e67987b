/** Leading eigenpairs of a symmetric operator that is known by what it does to a vector. */
import { createRandom } from "../base/mod.ts";

/** One eigenvalue and its eigenvector of length 1. */
export interface Eigenpair {
  value: number;
  vector: Float64Array;
}

/**
 * The `count` largest eigenpairs of a symmetric positive semi-definite [n, n] operator by Lanczos'
 * method with full reorthogonalization (Golub and Van Loan, Matrix Computations, 10.3), to a
 * relative residual of 1e-10. Fewer come back when the operator's rank is lower.
 *
 * @param apply writes the operator times `v` into `out`
 */
export function leadingEigenpairs(
  apply: (v: Float64Array, out: Float64Array) => void,
  n: number,
  count: number,
): Eigenpair[] {
  const random = createRandom(1), basis: Float64Array[] = [];
  const diagonal: number[] = [], beside: number[] = [];
  let v = Float64Array.from({ length: n }, () => random.normal());
  scale(v, 1 / Math.sqrt(dot(v, v)));
  let ritz: { values: number[]; vectors: Float64Array[] } = { values: [], vectors: [] };
  let check = 2 * count + 4;
  for (let step = 0; step < n; step++) {
    basis.push(v);
    const w = new Float64Array(n);
    apply(v, w);
    diagonal.push(dot(w, v));
    // Twice is enough (Kahan): once leaves rounding that grows into ghost copies.
    for (let again = 0; again < 2; again++) {
      for (const b of basis) addScaled(w, b, -dot(w, b));
    }
    const rest = Math.sqrt(dot(w, w));
    const last = step === n - 1 || rest <= 1e-13 * Math.abs(diagonal[0]) || rest === 0;
    if (last || step === check) {
      check = Math.ceil(1.3 * check);
      ritz = tridiagonalEigen(diagonal, beside);
      // The last component of a Ritz vector times the remainder is its residual.
      const residual = Math.max(
        ...Array.from(
          { length: Math.min(count, basis.length) },
          (_, k) => rest * Math.abs(ritz.vectors[k].at(-1)!),
        ),
      );
      if (last || residual <= 1e-10 * ritz.values[0]) break;
    }
    beside.push(rest);
    scale(w, 1 / rest);
    v = w;
  }
  const wanted = Math.min(count, ritz.values.length);
  return Array.from({ length: wanted }, (_, k) => {
    const vector = new Float64Array(n);
    basis.forEach((b, i) => addScaled(vector, b, ritz.vectors[k][i]));
    return { value: Math.max(0, ritz.values[k]), vector };
  });
}

/**
 * All eigenpairs of a symmetric tridiagonal matrix, largest first, by the QL method with implicit
 * shifts (EISPACK's `tql2`; Golub and Van Loan, 8.3).
 */
function tridiagonalEigen(diagonal: readonly number[], beside: readonly number[]) {
  const m = diagonal.length, d = [...diagonal], e = [...beside.slice(0, m - 1), 0];
  const q = d.map((_, i) => Float64Array.from({ length: m }, (_, j) => i === j ? 1 : 0));
  for (let l = 0; l < m; l++) {
    for (;;) {
      let end = l;
      while (end < m - 1 && Math.abs(e[end]) > 1e-16 * (Math.abs(d[end]) + Math.abs(d[end + 1]))) {
        end++;
      }
      if (end === l) break;
      let g = (d[l + 1] - d[l]) / (2 * e[l]);
      g = d[end] - d[l] + e[l] / (g + Math.sign(g || 1) * Math.hypot(g, 1));
      let s = 1, c = 1, p = 0;
      for (let i = end - 1; i >= l; i--) {
        const f = s * e[i], b = c * e[i], r = Math.hypot(f, g);
        e[i + 1] = r;
        [s, c] = r === 0 ? [0, 1] : [f / r, g / r];
        g = d[i + 1] - p;
        const t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        // q holds the vectors as rows, so that a rotation mixes two rows.
        const [lower, upper] = [q[i], q[i + 1]];
        for (let k = 0; k < m; k++) {
          const v = upper[k];
          upper[k] = s * lower[k] + c * v;
          lower[k] = c * lower[k] - s * v;
        }
      }
      d[l] -= p;
      e[l] = g;
      e[end] = 0;
    }
  }
  const order = d.map((_, i) => i).sort((i, j) => d[j] - d[i]);
  return { values: order.map((i) => d[i]), vectors: order.map((i) => q[i]) };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

function scale(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] *= factor;
}
