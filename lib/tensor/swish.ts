/** Swish (SiLU), the activation of EfficientNet. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

tf.registerGradient({
  kernelName: Fused.Swish,
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => ({ x: () => runFused(Fused.SwishGrad, { x, dy: dy as tf.Tensor }) }),
});

/** `x * sigmoid(x)`, element by element; differentiable (Ramachandran et al. 2017). */
export function swish<T extends tf.Tensor>(x: T): T {
  if (hasFused(Fused.Swish)) return runFused<T>(Fused.Swish, { x });
  return tf.mul(x, tf.sigmoid(x)) as T;
}
