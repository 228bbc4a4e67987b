/** Many small tensors as one, so that a step is few operations. */
import * as tf from "@tensorflow/tfjs-core";
import { adamStep, type adamSteps } from "../tensor/mod.ts";

/** Several tensors in one flat one; a single tensor as it is, which spares three reshapes a step. */
export function pack(tensors: tf.Tensor[]): tf.Tensor {
  return tensors.length === 1 ? tensors[0] : tf.concat(tensors.map((t) => tf.reshape(t, [-1])));
}

/** {@link pack} undone, in the shapes of `like`. */
function unpack(packed: tf.Tensor, like: tf.Tensor[]): tf.Tensor[] {
  if (like.length === 1) return [packed];
  return tf.split(packed, like.map((t) => t.size)).map((t, i) => tf.reshape(t, like[i].shape));
}

/** Keeps a tensor in the place of another. */
export function replace(old: tf.Tensor, next: tf.Tensor): tf.Tensor {
  old.dispose();
  return tf.keep(next);
}

/** {@link adamSteps} where there is no kernel for it: packed, so that it is few operations. */
export const packedSteps: typeof adamSteps = (
  parameters,
  gradients,
  group,
  { lookahead, ...attrs },
) => {
  const packed = [pack(parameters), pack(gradients)] as const;
  const [next, mean, square] = adamStep(...packed, group.mean, group.square, attrs);
  if (lookahead === undefined || !group.slow) {
    return { parameters: unpack(next, parameters), state: { mean, square, slow: null } };
  }
  const slow = tf.add(group.slow, tf.mul(tf.sub(next, group.slow), lookahead));
  return { parameters: unpack(slow, parameters), state: { mean, square, slow } };
};
