/** A convolution with bias and activation, for evaluation. */
import * as tf from "@tensorflow/tfjs-core";
import { activate, type NormActivation } from "./batch_norm.ts";
import { Fused, hasFused, runFused } from "./fused.ts";
import { capAtSix } from "./relu6.ts";

/** What {@link convActivated} computes. */
export interface ActivatedConvolution {
  /** [B,H,W,C] */
  x: tf.Tensor4D;
  /** [kh,kw,C,out], or [kh,kw,C,1] when depthwise */
  filter: tf.Tensor4D;
  /** [out] */
  bias: tf.Tensor1D;
  strides: number;
  pad: number | "same" | "valid";
  depthwise: boolean;
  activation: NormActivation;
}

/**
 * `activation(x * filter + bias)` in one kernel where the backend has it. Not differentiable: for the
 * evaluation of a model whose batch norms are folded into its filters.
 */
export function convActivated(convolution: ActivatedConvolution): tf.Tensor4D {
  const { x, filter, bias, strides, pad, depthwise, activation } = convolution;
  const name = depthwise ? Fused.DepthwiseActivated : Fused.ConvActivated;
  if (hasFused(name)) {
    const attrs = { strides, pad, dataFormat: "NHWC", dilations: 1, activation };
    return runFused(name, { x, filter, bias }, attrs);
  }
  const run = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
  const within = activation === "relu" || activation === "relu6" ? "relu" : "linear";
  const y = run({ x, filter, strides, pad, bias, activation: within });
  if (activation === "relu6") return capAtSix(y);
  return activation === "relu" ? y : activate(y, activation);
}
