/** t-SNE with exact gradients; for the few thousand tiles of a data set that is fast enough. */
import type { Random } from "../base/mod.ts";
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
 * Symmetric joint probabilities of van der Maaten and Hinton 2008: a Gaussian a point whose entropy
 * is log(perplexity), found by bisection, then (p_ij + p_ji) / 2n.
 */
export function jointProbabilities(d: Float64Array, n: number, perplexity: number): Float64Array {
  const p = new Float64Array(n * n), row = new Float64Array(n), wanted = Math.log(perplexity);
  for (let i = 0; i < n; i++) {
    let low = 0, high = Infinity, beta = 1, nearest = Infinity;
    for (let j = 0; j < n; j++) if (j !== i) nearest = Math.min(nearest, d[i * n + j] ** 2);
    for (let tries = 0; tries < 100; tries++) {
      let sum = 0, weighted = 0;
      for (let j = 0; j < n; j++) {
        // Counting from the nearest neighbour changes nothing but keeps the sum from vanishing.
        const q = d[i * n + j] ** 2 - nearest;
        row[j] = j === i ? 0 : Math.exp(-q * beta);
        sum += row[j];
        weighted += row[j] * q;
      }
      const entropy = Math.log(sum) + beta * weighted / sum;
      for (let j = 0; j < n; j++) p[i * n + j] = row[j] / sum;
      if (Math.abs(entropy - wanted) < 1e-5) break;
      if (entropy > wanted) {
        low = beta;
        beta = high === Infinity ? beta * 2 : (beta + high) / 2;
      } else {
        high = beta;
        beta = (beta + low) / 2;
      }
    }
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
      p,
      { iterations, rate },
      (step) => options.onProgress?.(k * iterations + step, starts * iterations),
    );
    const xy = Float32Array.from(y), found = divergence(p, planeDistances(xy), n);
    if (!best || found < best.divergence) best = { xy, divergence: found };
  }
  return best!;
}

/** Moves `y` (interleaved) down the gradient of the divergence from `p`. */
function descend(
  y: Float64Array,
  p: Float64Array,
  options: { iterations: number; rate: number },
  tell: (step: number) => void,
): void {
  const { iterations, rate } = options, n = y.length / 2;
  const speed = new Float64Array(2 * n), grad = new Float64Array(2 * n);
  const gain = new Float64Array(2 * n).fill(1), kernel = new Float64Array(n * n);
  for (let step = 0; step < iterations; step++) {
    const exaggeration = step < 250 ? 12 : 1, momentum = step < 250 ? 0.5 : 0.8;
    if (step === 250) {
      // What was learned of speed under exaggeration says nothing about the true gradient.
      speed.fill(0);
      gain.fill(1);
    }
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x0 = y[2 * i], y0 = y[2 * i + 1];
      for (let j = 0; j < i; j++) {
        const dx = x0 - y[2 * j], dy = y0 - y[2 * j + 1];
        sum += kernel[i * n + j] = 1 / (1 + dx * dx + dy * dy);
      }
    }
    grad.fill(0);
    const share = 1 / (2 * sum);
    for (let i = 0; i < n; i++) {
      const x0 = y[2 * i], y0 = y[2 * i + 1];
      let alongX = 0, alongY = 0;
      for (let j = 0; j < i; j++) {
        const k = kernel[i * n + j], f = 4 * (exaggeration * p[i * n + j] - k * share) * k;
        const gx = f * (x0 - y[2 * j]), gy = f * (y0 - y[2 * j + 1]);
        alongX += gx;
        alongY += gy;
        grad[2 * j] -= gx;
        grad[2 * j + 1] -= gy;
      }
      grad[2 * i] += alongX;
      grad[2 * i + 1] += alongY;
    }
    for (let i = 0; i < 2 * n; i++) {
      gain[i] = grad[i] * speed[i] < 0 ? gain[i] + 0.2 : Math.max(0.01, gain[i] * 0.8);
      speed[i] = momentum * speed[i] - rate * gain[i] * grad[i];
      y[i] += speed[i];
    }
    if (step % 25 === 24) tell(step + 1);
  }
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
