/** Batch normalization in training mode, differentiable. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";
import { capAtSix, relu6 } from "./relu6.ts";
import { swish } from "./swish.ts";

/** What follows the normalization. */
export type NormActivation = "none" | "relu" | "relu6" | "swish";

/** What {@link batchNormTrain} returns; all three must be disposed of by the caller (or its tidy). */
export interface BatchNormResult {
  y: tf.Tensor4D;
  /** Batch mean a channel, [C]. */
  mean: tf.Tensor1D;
  /** Biased batch variance a channel, [C]. */
  variance: tf.Tensor1D;
}

tf.registerGradient({
  kernelName: Fused.BatchNormTrain,
  inputsToSave: ["x", "gamma", "beta"],
  outputsToSave: [false, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [x, gamma, beta, mean, variance] = saved;
    // All three at once, here and not in the closures below: each of those runs in a tidy of its own.
    const [dx, dgamma, dbeta] = runFused<tf.Tensor[]>(
      Fused.BatchNormTrainGrad,
      { x, gamma, beta, mean, variance, dy: (dys as tf.Tensor[])[0] },
      attrs,
    );
    return { x: () => dx, gamma: () => dgamma, beta: () => dbeta };
  },
});

/**
 * Normalizes `x` [B,H,W,C] by the batch's own statistics, scales by `gamma` [C], shifts by `beta` [C] and
 * applies `activation`. Gradients flow to `x`, `gamma` and `beta`; not through `mean` and `variance`.
 */
export function batchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
  activation: NormActivation = "none",
): BatchNormResult {
  if (hasFused(Fused.BatchNormTrain)) {
    const capped = activation === "relu6" && !hasFused(Fused.Relu6);
    const [y, mean, variance] = runFused<tf.Tensor[]>(
      Fused.BatchNormTrain,
      { x, gamma, beta },
      { epsilon, activation: capped ? "relu" : activation },
    );
    return { y: capped ? capAtSix(y) : y, mean, variance } as BatchNormResult;
  }
  const { mean, variance } = tf.moments(x, [0, 1, 2]) as {
    mean: tf.Tensor1D;
    variance: tf.Tensor1D;
  };
  const z = tf.batchNorm(x, mean, variance, beta, gamma, epsilon) as tf.Tensor4D;
  return { y: activate(z, activation), mean, variance };
}

/** The activation alone; differentiable. */
export function activate<T extends tf.Tensor>(x: T, activation: NormActivation): T {
  switch (activation) {
    case "none":
      return x;
    case "relu":
      return tf.relu(x);
    case "relu6":
      return relu6(x);
    case "swish":
      return swish(x);
  }
}
