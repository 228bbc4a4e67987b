/** Batch normalization in training mode, differentiable. */
import * as tf from "@tensorflow/tfjs-core";

/** What {@link batchNormTrain} returns; all three must be disposed of by the caller (or its tidy). */
export interface BatchNormResult {
  y: tf.Tensor4D;
  /** Batch mean a channel, [C]. */
  mean: tf.Tensor1D;
  /** Biased batch variance a channel, [C]. */
  variance: tf.Tensor1D;
}

/**
 * Normalizes `x` [B,H,W,C] by the batch's own statistics, then scales by `gamma` [C] and shifts by `beta` [C].
 * Gradients flow to `x`, `gamma` and `beta`; not through `mean` and `variance`.
 */
export function batchNormTrain(
  x: tf.Tensor4D,
  gamma: tf.Tensor1D,
  beta: tf.Tensor1D,
  epsilon: number,
): BatchNormResult {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  const y = tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, beta, gamma, epsilon);
  return { y: y as tf.Tensor4D, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}
