/** The running statistics of a batch normalization after one more batch. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

/** Running statistics as PyTorch keeps them. */
export interface RunningStatistics {
  /** [C] */
  mean: tf.Tensor;
  /** [C], unbiased */
  variance: tf.Tensor;
  /** How many batches went into them: a scalar. */
  batches: tf.Tensor;
}

/**
 * Running statistics after a batch with this mean and (biased) variance a channel.
 *
 * @param momentum weight of the new batch, in [0, 1]
 * @param count values a channel in the batch, at least 2
 * @returns new tensors, which the caller (or its tidy) must dispose of
 */
export function nextStatistics(
  running: RunningStatistics,
  batch: { mean: tf.Tensor; variance: tf.Tensor },
  momentum: number,
  count: number,
): RunningStatistics {
  const unbiased = count / (count - 1);
  if (hasFused(Fused.RunningStatistics)) {
    const [mean, variance, batches] = runFused<tf.Tensor[]>(
      Fused.RunningStatistics,
      // Those of the batch first: TensorFlow.js asks input by input whether one depends on a trained variable,
      // and compares those that do not with all variables.
      {
        batchMean: batch.mean,
        batchVariance: batch.variance,
        mean: running.mean,
        variance: running.variance,
        batches: running.batches,
      },
      { momentum, unbiased },
    );
    return { mean, variance, batches };
  }
  const blend = (old: tf.Tensor, fresh: tf.Tensor, factor: number) =>
    tf.tidy(() => tf.add(tf.mul(old, 1 - momentum), tf.mul(fresh, momentum * factor)));
  return {
    mean: blend(running.mean, batch.mean, 1),
    variance: blend(running.variance, batch.variance, unbiased),
    batches: tf.add(running.batches, 1),
  };
}
