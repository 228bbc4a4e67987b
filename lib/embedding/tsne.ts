/** t-SNE with exact gradients; for the few thousand tiles of a data set that is fast enough. */
import type { Random } from "../base/mod.ts";
import { descend } from "./descent.ts";
import { planeDistances } from "./distances.ts";

/** Settings of {@link tsne}; the defaults are scikit-learn's where nothing else is said. */
export interface TsneOptions {
  random: Random;
  /** Effective number of neighbours, at least 1 and below n; default 30. */
  perplexity?: number;
  /** Steps a start; default 1000. */
  iterations?: number;
  /**
   * Descents, of which the best is kept; default 3, above 300 points 1. The divergence has many
   * minima, for few points some percent apart, and rounding decides in which one a descent ends.
   */
  starts?: number;
  /** Default max(n / 12 / 4, 50). */
  learningRate?: number;
  /** Start, interleaved; scaled to a deviation of 1e-4. Default normal noise. */
  start?: Float32Array;
  onProgress?: (done: number, total: number) => void;
}

/**
 * The Gaussian over squared distances whose entropy is log(perplexity), found by bisection of its
 * precision; `skip` is left out. Writes its probabilities into `out`.
 */
export function calibrate(
  squares: Float64Array,
  perplexity: number,
  out: Float64Array,
  skip = -1,
): void {
  const n = squares.length, wanted = Math.log(perplexity);
  let low = 0, high = Infinity, beta = 1, nearest = Infinity, total = 1;
  for (let j = 0; j < n; j++) if (j !== skip) nearest = Math.min(nearest, squares[j]);
  for (let tries = 0; tries < 100; tries++) {
    let sum = 0, weighted = 0;
    for (let j = 0; j < n; j++) {
      // Counting from the nearest neighbour changes nothing but keeps the sum from vanishing.
      const q = squares[j] - nearest;
      out[j] = j === skip ? 0 : Math.exp(-q * beta);
      sum += out[j];
      weighted += out[j] * q;
    }
    const entropy = Math.log(sum) + beta * weighted / sum;
    total = sum;
    if (Math.abs(entropy - wanted) < 1e-5) break;
    if (entropy > wanted) {
      low = beta;
      beta = high === Infinity ? beta * 2 : (beta + high) / 2;
    } else {
      high = beta;
      beta = (beta + low) / 2;
    }
  }
  for (let j = 0; j < n; j++) out[j] /= total;
}

/**
 * Symmetric joint probabilities of van der Maaten and Hinton 2008: a Gaussian a point whose entropy
 * is log(perplexity), then (p_ij + p_ji) / 2n.
 */
export function jointProbabilities(d: Float64Array, n: number, perplexity: number): Float64Array {
  const p = new Float64Array(n * n), squares = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) squares[j] = d[i * n + j] ** 2;
    calibrate(squares, perplexity, p.subarray(i * n, (i + 1) * n), i);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      p[i * n + j] = p[j * n + i] = Math.max((p[i * n + j] + p[j * n + i]) / (2 * n), 1e-12);
    }
  }
  return p;
}

/**
 * t-SNE of a distance matrix [n, n]: gradient descent with momentum and gains, the first 250 steps
 * exaggerated 12 times, as scikit-learn does; of several starts the least divergence is kept.
 *
 * @returns interleaved coordinates and the final Kullback-Leibler divergence in nats
 * @throws {RangeError} when the perplexity is not in [1, n)
 */
export function tsne(
  distances: Float64Array,
  n: number,
  options: TsneOptions,
): { xy: Float32Array; divergence: number } {
  const { random, perplexity = 30, iterations = 1000, start } = options;
  if (!(perplexity >= 1 && perplexity < n)) {
    throw new RangeError(`perplexity must be at least 1 and below ${n} points, got ${perplexity}`);
  }
  const rate = options.learningRate ?? Math.max(n / 48, 50);
  const starts = options.starts ?? (n <= 300 ? 3 : 1);
  const p = jointProbabilities(distances, n, perplexity);
  let square = 0;
  for (let i = 0; start && i < n; i++) square += start[2 * i] ** 2;
  const scale = 1e-4 / (Math.sqrt(square / n) || 1);
  let best: { xy: Float32Array; divergence: number } | undefined;
  for (let k = 0; k < starts; k++) {
    // The first start is the given one itself; the others differ from it by a tenth.
    const noise = start ? (k ? 1e-5 : 0) : 1e-4;
    const y = Float64Array.from(
      { length: 2 * n },
      (_, i) => (start ? start[i] * scale : 0) + random.normal(0, noise),
    );
    descend(
      y,
      { iterations, rate },
      exactGradient(y, p),
      (step) => options.onProgress?.(k * iterations + step, starts * iterations),
    );
    const xy = Float32Array.from(y), found = divergence(p, planeDistances(xy), n);
    if (!best || found < best.divergence) best = { xy, divergence: found };
  }
  return best!;
}

/** The gradient of the divergence from `p` at `y` (interleaved), by all pairs. */
export function exactGradient(
  y: Float64Array,
  p: Float64Array,
): (gradient: Float64Array, exaggeration: number) => void {
  const n = y.length / 2, kernel = new Float64Array(n * n);
  return (gradient, exaggeration) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x0 = y[2 * i], y0 = y[2 * i + 1];
      for (let j = 0; j < i; j++) {
        const dx = x0 - y[2 * j], dy = y0 - y[2 * j + 1];
        sum += kernel[i * n + j] = 1 / (1 + dx * dx + dy * dy);
      }
    }
    gradient.fill(0);
    const share = 1 / (2 * sum);
    for (let i = 0; i < n; i++) {
      const x0 = y[2 * i], y0 = y[2 * i + 1];
      let alongX = 0, alongY = 0;
      for (let j = 0; j < i; j++) {
        const k = kernel[i * n + j], f = 4 * (exaggeration * p[i * n + j] - k * share) * k;
        const gx = f * (x0 - y[2 * j]), gy = f * (y0 - y[2 * j + 1]);
        alongX += gx;
        alongY += gy;
        gradient[2 * j] -= gx;
        gradient[2 * j + 1] -= gy;
      }
      gradient[2 * i] += alongX;
      gradient[2 * i + 1] += alongY;
    }
  };
}

/**
 * The Kullback-Leibler divergence in nats between joint probabilities [n, n] and the Student-t
 * similarities of points in the plane, given by their distances: what t-SNE minimizes.
 */
export function divergence(p: Float64Array, plane: Float64Array, n: number): number {
  let sum = 0, total = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) sum += 2 / (1 + plane[i * n + j] ** 2);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const q = Math.max(1 / (1 + plane[i * n + j] ** 2) / sum, 1e-12);
      total += 2 * p[i * n + j] * Math.log(p[i * n + j] / q);
    }
  }
  return total;
}
