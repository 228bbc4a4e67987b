/** Many small tensors as one, so that a step is few operations. */
import * as tf from "@tensorflow/tfjs-core";

/** Several tensors in one flat one; a single tensor as it is, which spares three reshapes a step. */
export function pack(tensors: tf.Tensor[]): tf.Tensor {
  return tensors.length === 1 ? tensors[0] : tf.concat(tensors.map((t) => tf.reshape(t, [-1])));
}

/** {@link pack} undone, in the shapes of `like`. */
export function unpack(packed: tf.Tensor, like: tf.Tensor[]): tf.Tensor[] {
  if (like.length === 1) return [packed];
  return tf.split(packed, like.map((t) => t.size)).map((t, i) => tf.reshape(t, like[i].shape));
}

/** Keeps a tensor in the place of another. */
export function replace(old: tf.Tensor, next: tf.Tensor): tf.Tensor {
  old.dispose();
  return tf.keep(next);
}
