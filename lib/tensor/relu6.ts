/** ReLU6, the activation of EfficientNet-Lite. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

tf.registerGradient({
  kernelName: Fused.Relu6,
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({ x: () => runFused(Fused.Relu6Grad, { x, dy: dy as tf.Tensor }) }),
});

const capped = tf.customGrad((x, save) => {
  const y = tf.minimum(x as tf.Tensor, 6);
  (save as tf.GradSaveFunc)([y]);
  return {
    value: y,
    // Zero at 6 itself, as in PyTorch and TensorFlow; TensorFlow.js 4.22 passes the gradient on there.
    gradFunc: (dy: tf.Tensor, [kept]: tf.Tensor[]) => tf.mul(dy, tf.step(tf.sub(6, kept))),
  };
});

/**
 * `min(x, 6)`: the second half of ReLU6, behind operations that have a ReLU within them. Unlike
 * TensorFlow.js's own `relu6` on WebAssembly it passes NaN on, so that a training that diverges is seen.
 */
export function capAtSix<T extends tf.Tensor>(x: T): T {
  return capped(x) as T;
}

/** `min(max(x, 0), 6)`, element by element; differentiable (Howard et al. 2017). */
export function relu6<T extends tf.Tensor>(x: T): T {
  if (hasFused(Fused.Relu6)) return runFused<T>(Fused.Relu6, { x });
  return capAtSix(tf.relu(x));
}
