/** ReLU6, the activation of EfficientNet-Lite. */
import * as tf from "@tensorflow/tfjs-core";

const relu6Of = tf.customGrad((x, save) => {
  const y = tf.clipByValue(x as tf.Tensor, 0, 6);
  (save as tf.GradSaveFunc)([y]);
  return {
    value: y,
    // Zero at 0 and at 6 themselves, as in PyTorch and TensorFlow; TensorFlow.js 4.22 passes it on at 6.
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [kept] = saved;
      return tf.mul(dy, tf.step(tf.mul(kept, tf.sub(6, kept))));
    },
  };
});

/** `min(max(x, 0), 6)`, element by element; differentiable (Howard et al. 2017). */
export function relu6<T extends tf.Tensor>(x: T): T {
  return relu6Of(x) as T;
}
