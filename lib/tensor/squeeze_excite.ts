/** Squeeze and excitation (Hu et al. 2018), and its two halves: the mean over pixels, the gate. */
import * as tf from "@tensorflow/tfjs-core";
import { activate } from "./batch_norm.ts";
import { Fused, hasFused, runFused } from "./fused.ts";

/** The two 1 x 1 convolutions of {@link squeezeExcite}. */
export interface SqueezeWeights {
  /** [1,1,C,S] */
  reduce: tf.Tensor4D;
  /** [S] */
  reduceBias: tf.Tensor1D;
  /** [1,1,S,C] */
  widen: tf.Tensor4D;
  /** [C] */
  widenBias: tf.Tensor1D;
}

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

tf.registerGradient({
  kernelName: Fused.SqueezeExcite,
  inputsToSave: ["x", "reduce", "widen"],
  outputsToSave: [false, true],
  gradFunc: (dys, [x, reduce, widen, inner], attrs) => {
    // All at once, here and not in the closures below: each of those runs in a tidy of its own.
    const [dx, dreduce, dreduceBias, dwiden, dwidenBias] = runFused<tf.Tensor[]>(
      Fused.SqueezeExciteGrad,
      { x, reduce, widen, inner, dy: (dys as tf.Tensor[])[0] },
      attrs,
    );
    return {
      x: () => dx,
      reduce: () => dreduce,
      reduceBias: () => dreduceBias,
      widen: () => dwiden,
      widenBias: () => dwidenBias,
    };
  },
});

/**
 * `x` [B,H,W,C] times the gate that its own means give: a 1 x 1 convolution to S channels with
 * `activation`, one back to C with a sigmoid. Differentiable in `x` and all weights.
 */
export function squeezeExcite(
  x: tf.Tensor4D,
  weights: SqueezeWeights,
  activation: "relu" | "swish",
): tf.Tensor4D {
  if (hasFused(Fused.SqueezeExcite)) {
    const [y] = runFused<tf.Tensor4D[]>(Fused.SqueezeExcite, { x, ...weights }, { activation });
    return y;
  }
  const { reduce, reduceBias, widen, widenBias } = weights;
  const narrow = tf.add(tf.conv2d(globalAverage(x), reduce, 1, 0), reduceBias) as tf.Tensor4D;
  const wide = tf.add(tf.conv2d(activate(narrow, activation), widen, 1, 0), widenBias);
  return channelScale(x, tf.sigmoid(wide) as tf.Tensor4D);
}
