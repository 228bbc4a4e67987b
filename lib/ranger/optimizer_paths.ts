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
  /** Of every optimizer; default 0.1. */
  learningRate?: number;
  /** Deviation of the noise on each gradient, as batches make it; default 0.5. */
  noise?: number;
  /** All optimizers meet the same noise; default 0. */
  seed?: number;
}

/**
 * The ways of gradient descent, Adam, RAdam (Ranger without Lookahead) and Ranger from
 * {@link VALLEY_START}, by the optimizers that training uses.
 */
export function optimizerPaths(options: WalkOptions = {}): OptimizerPath[] {
  const { steps = 800, learningRate = 0.1, noise = 0.5, seed = 0 } = options;
  const walkers: [string, tf.Optimizer][] = [
    ["SGD", tf.train.sgd(learningRate)],
    ["Adam", new Adam(learningRate)],
    ["RAdam", new Ranger(learningRate, { alpha: 1 })],
    ["Ranger", new Ranger(learningRate)],
  ];
  return walkers.map(([name, optimizer]) => {
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
    return { name, learningRate, points };
  });
}
