/** Metric multidimensional scaling. */
import type { Random } from "../base/mod.ts";

/** Settings of {@link smacof}; the defaults are scikit-learn's `MDS`. */
export interface SmacofOptions {
  random: Random;
  /** Random starts, of which the best is kept; default 4. */
  starts?: number;
  /** Majorization steps a start; default 300. */
  iterations?: number;
  /** Stops when the stress over the size of the configuration falls by less; default 1e-3. */
  tolerance?: number;
  onProgress?: (done: number, total: number) => void;
}

/**
 * SMACOF (de Leeuw 1977): points in the plane whose distances come nearest to `distances` [n, n],
 * by majorization of the raw stress. Returns interleaved coordinates.
 */
export function smacof(distances: Float64Array, n: number, options: SmacofOptions): Float32Array {
  const { random, starts = 4, iterations = 300, tolerance = 1e-3 } = options;
  let best = new Float64Array(2 * n), least = Infinity;
  for (let start = 0; start < starts; start++) {
    let x = Float64Array.from({ length: 2 * n }, () => random.next()), before = Infinity;
    for (let step = 0; step < iterations; step++) {
      const next = new Float64Array(2 * n);
      let stress = 0, size = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) {
          const dx = x[2 * i] - x[2 * j], dy = x[2 * i + 1] - x[2 * j + 1];
          const d = Math.sqrt(dx * dx + dy * dy), wanted = distances[i * n + j];
          stress += (d - wanted) ** 2;
          // The Guttman transform, pair by pair; points that coincide pull nothing.
          const pull = d > 1e-12 ? wanted / d / n : 0;
          next[2 * i] += pull * dx;
          next[2 * j] -= pull * dx;
          next[2 * i + 1] += pull * dy;
          next[2 * j + 1] -= pull * dy;
        }
      }
      if (stress < least) [least, best] = [stress, x];
      for (let i = 0; i < n; i++) size += Math.hypot(next[2 * i], next[2 * i + 1]);
      if (before - stress / size < tolerance) break;
      before = stress / size;
      x = next;
      options.onProgress?.(start * iterations + step + 1, starts * iterations);
    }
  }
  options.onProgress?.(starts * iterations, starts * iterations);
  return Float32Array.from(best);
}
