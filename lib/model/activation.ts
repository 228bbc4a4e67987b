/** What `predict` applies to the logits. */
import * as tf from "@tensorflow/tfjs-core";

/** Activations by smp's names. "softmax" and "softmax2d" are both over the classes. */
export const ACTIVATIONS = {
  identity: (logits) => logits,
  sigmoid: (logits) => tf.sigmoid(logits),
  softmax: (logits) => tf.softmax(logits),
  softmax2d: (logits) => tf.softmax(logits),
  logsoftmax: (logits) => tf.logSoftmax(logits),
} satisfies Record<string, (logits: tf.Tensor4D) => tf.Tensor4D>;

/** A name of {@link ACTIVATIONS}. */
export type OutputActivation = keyof typeof ACTIVATIONS;
