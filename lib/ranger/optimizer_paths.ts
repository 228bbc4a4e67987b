/** How optimizers walk down a curved valley: the picture that explains Ranger. */
import * as tf from "@tensorflow/tfjs-core";
import { Adam } from "./adam.ts";
import { createRandom } from "../base/mod.ts";
import { Ranger } from "./ranger.ts";

/** The way of one optimizer. */
export interface OptimizerPath {
  name: string;
  learningRate: number;
  /** [x, y] at the start and after every step. */
  points: [number, number][];
}

/** Where the walks begin. */
export const VALLEY_START: readonly [number, number] = [-1.3, 0.2];
/** Where the valley is lowest (its value there is 0). */
export const VALLEY_FLOOR: readonly [number, number] = [1, 1];
/** How flat the valley's bed is beside its walls; Rosenbrock's own 0.01 takes thousands of steps. */
const BED = 0.05;

/** A banana-shaped valley after Rosenbrock (1960), `(1 - x)² / 20 + (y - x²)²`. */
export function valley(x: number, y: number): number {
  return BED * (1 - x) ** 2 + (y - x * x) ** 2;
}

function valleyTensor(point: tf.Tensor1D): tf.Scalar {
  const [x, y] = tf.unstack(point);
  const across = tf.square(tf.sub(y, tf.square(x)));
  return tf.add(tf.mul(tf.square(tf.sub(1, x)), BED), across) as tf.Scalar;
}

/** Settings of {@link optimizerPaths}. */
export interface WalkOptions {
  /** Default 800. */
  steps?: number;
  /**
   * Of every optimizer, or rates from which each takes its own best one: that with the lowest mean
   * height over the last quarter of the walks with {@link TRIALS} other series of noise. Default 0.01,
   * 0.03, 0.1 and 0.3.
   */
  learningRate?: number | readonly number[];
  /** Deviation of the noise on each gradient, as batches make it; default 0.5. */
  noise?: number;
  /** All optimizers meet the same noise; default 0. */
  seed?: number;
}

/** Series of noise by which rates are compared. */
const TRIALS = 3;

const WALKERS: Record<string, (rate: number) => tf.Optimizer> = {
  SGD: (rate) => tf.train.sgd(rate),
  Adam: (rate) => new Adam(rate),
  RAdam: (rate) => new Ranger(rate, { alpha: 1 }),
  Ranger: (rate) => new Ranger(rate),
};

/**
 * The ways of gradient descent, Adam, RAdam (Ranger without Lookahead) and Ranger from
 * {@link VALLEY_START}, by the optimizers that training uses, each at the best of the rates given.
 */
export function optimizerPaths(options: WalkOptions = {}): OptimizerPath[] {
  const { steps = 800, learningRate = [0.01, 0.03, 0.1, 0.3], noise = 0.5, seed = 0 } = options;
  const rates = typeof learningRate === "number" ? [learningRate] : learningRate;
  if (rates.length === 0) throw new RangeError("a walk needs at least one learning rate, got none");
  return Object.entries(WALKERS).map(([name, create]) => {
    const heights = rates.map((rate) =>
      rates.length === 1 ? 0 : meanHeight(create, rate, steps, noise, seed)
    );
    // A walk that left the valley is the worst, however it ends.
    const sorted = heights.map((height, i) => ({ height, rate: rates[i] }))
      .sort((a, b) => (a.height < b.height ? -1 : a.height > b.height ? 1 : 0));
    const best = sorted[0].rate;
    return { name, learningRate: best, points: walk(create(best), steps, noise, seed) };
  });
}

/** Over the last quarter of the walks with other noise than that of `seed`; Infinity for one that fled. */
function meanHeight(
  create: (rate: number) => tf.Optimizer,
  rate: number,
  steps: number,
  noise: number,
  seed: number,
): number {
  let sum = 0;
  for (let trial = 1; trial <= TRIALS; trial++) {
    sum += lateHeight(walk(create(rate), steps, noise, seed + 1000 * trial));
  }
  return Number.isFinite(sum) ? sum / TRIALS : Infinity;
}

/** The mean height over the last quarter of a walk. */
export function lateHeight(points: OptimizerPath["points"]): number {
  const late = points.slice(-Math.ceil((points.length - 1) / 4));
  return late.reduce((sum, [x, y]) => sum + valley(x, y), 0) / late.length;
}

/** One walk; the optimizer is used up. */
function walk(
  optimizer: tf.Optimizer,
  steps: number,
  noise: number,
  seed: number,
): [number, number][] {
  const random = createRandom(seed);
  const point = tf.tidy(() => tf.variable(tf.tensor1d([...VALLEY_START])));
  const position = () => [...point.dataSync()] as [number, number];
  const points = [position()];
  for (let i = 0; i < steps; i++) {
    tf.tidy(() => {
      const { grads } = tf.variableGrads(
        () => valleyTensor(point as unknown as tf.Tensor1D),
        [point],
      );
      const error = tf.tensor1d([random.normal(0, noise), random.normal(0, noise)]);
      optimizer.applyGradients([{ name: point.name, tensor: tf.add(grads[point.name], error) }]);
    });
    points.push(position());
  }
  optimizer.dispose();
  point.dispose();
  return points;
}
