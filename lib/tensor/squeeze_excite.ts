/** The two halves of squeeze and excitation (Hu et al. 2018): the mean over pixels, the gate. */
import * as tf from "@tensorflow/tfjs-core";
import { Fused, hasFused, runFused } from "./fused.ts";

tf.registerGradient({
  kernelName: Fused.GlobalAverage,
  inputsToSave: ["x"],
  gradFunc: (dy, [x]) => {
    const shape = x.shape;
    return { x: () => runFused(Fused.GlobalAverageGrad, { dy: dy as tf.Tensor }, { shape }) };
  },
});

tf.registerGradient({
  kernelName: Fused.ChannelScale,
  inputsToSave: ["x", "gate"],
  gradFunc: (dy, [x, gate]) => ({
    x: () => runFused(Fused.ChannelScale, { x: dy as tf.Tensor, gate }),
    gate: () => runFused(Fused.ChannelScaleGateGrad, { x, dy: dy as tf.Tensor }),
  }),
});

/** Mean of `x` [B,H,W,C] over height and width, [B,1,1,C]; differentiable. */
export function globalAverage(x: tf.Tensor4D): tf.Tensor4D {
  if (hasFused(Fused.GlobalAverage)) return runFused(Fused.GlobalAverage, { x });
  return tf.mean(x, [1, 2], true);
}

/** `x` [B,H,W,C] times `gate` [B,1,1,C]; differentiable in both. */
export function channelScale(x: tf.Tensor4D, gate: tf.Tensor4D): tf.Tensor4D {
  if (hasFused(Fused.ChannelScale)) return runFused(Fused.ChannelScale, { x, gate });
  return tf.mul(x, gate);
}
