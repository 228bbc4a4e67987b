/** Swish (SiLU), the activation of EfficientNet. */
import * as tf from "@tensorflow/tfjs-core";

/** `x * sigmoid(x)`, element by element; differentiable. */
export function swish<T extends tf.Tensor>(x: T): T {
  return tf.mul(x, tf.sigmoid(x)) as T;
}
