/** t-SNE with exact gradients; for the few thousand tiles of a data set that is fast enough. */
import type { Random } from "../random.ts";

/** Settings of {@link tsne}; the defaults are scikit-learn's. */
export interface TsneOptions {
  random: Random;
  /** Effective number of neighbours, at least 1 and below n; default 30. */
  perplexity?: number;
  iterations?: number;
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
 * exaggerated 12 times, as scikit-learn does.
 *
 * @returns interleaved coordinates and the final Kullback-Leibler divergence in nats
 * @throws {RangeError} when the perplexity is not in [1, n)
 */
export function tsne(distances: Float64Array, n: number, options: TsneOptions) {
  const { random, perplexity = 30, iterations = 1000 } = options;
  if (!(perplexity >= 1 && perplexity < n)) {
    throw new RangeError(`perplexity must be at least 1 and below ${n} points, got ${perplexity}`);
  }
  const rate = options.learningRate ?? Math.max(n / 48, 50);
  const p = jointProbabilities(distances, n, perplexity);
  const y = new Float64Array(2 * n),
    speed = new Float64Array(2 * n),
    grad = new Float64Array(2 * n);
  const gain = new Float64Array(2 * n).fill(1), kernel = new Float64Array(n * n);
  if (options.start) {
    let square = 0;
    for (let i = 0; i < n; i++) square += options.start[2 * i] ** 2;
    const scale = 1e-4 / (Math.sqrt(square / n) || 1);
    for (let i = 0; i < 2 * n; i++) y[i] = options.start[i] * scale;
  } else for (let i = 0; i < 2 * n; i++) y[i] = random.normal(0, 1e-4);
  let divergence = 0;
  for (let step = 0; step < iterations; step++) {
    const exaggeration = step < 250 ? 12 : 1, momentum = step < 250 ? 0.5 : 0.8;
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const dx = y[2 * i] - y[2 * j], dy = y[2 * i + 1] - y[2 * j + 1];
        sum += 2 * (kernel[i * n + j] = 1 / (1 + dx * dx + dy * dy));
      }
    }
    grad.fill(0);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const k = kernel[i * n + j], f = 4 * (exaggeration * p[i * n + j] - k / sum) * k;
        const gx = f * (y[2 * i] - y[2 * j]), gy = f * (y[2 * i + 1] - y[2 * j + 1]);
        grad[2 * i] += gx;
        grad[2 * j] -= gx;
        grad[2 * i + 1] += gy;
        grad[2 * j + 1] -= gy;
      }
    }
    if (step === iterations - 1) {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) {
          const q = p[i * n + j];
          divergence += 2 * q * Math.log(q / Math.max(kernel[i * n + j] / sum, 1e-12));
        }
      }
      break;
    }
    for (let i = 0; i < 2 * n; i++) {
      gain[i] = grad[i] * speed[i] < 0 ? gain[i] + 0.2 : Math.max(0.01, gain[i] * 0.8);
      speed[i] = momentum * speed[i] - rate * gain[i] * grad[i];
      y[i] += speed[i];
    }
    if (step % 25 === 24) options.onProgress?.(step + 1, iterations);
  }
  return { xy: Float32Array.from(y), divergence };
}
