/** Fused kernels: backends may register them under these names, see `lib/backend/wasm/`. */
import * as tf from "@tensorflow/tfjs-core";

/** Names of the kernels that stand for several of TensorFlow.js's own. */
export const Fused = {
  BatchNormTrain: "BatchNormTrain",
  BatchNormTrainGrad: "BatchNormTrainGrad",
  /** The running statistics after one more batch; see `nextStatistics`. */
  RunningStatistics: "RunningStatistics",
  Swish: "Swish",
  SwishGrad: "SwishGrad",
  /** A backend that has it takes "relu6" as the activation of `BatchNormTrain`, too. */
  Relu6: "Relu6Fused",
  Relu6Grad: "Relu6FusedGrad",
  /** A convolution with bias and activation, not differentiable; see `convActivated`. */
  ConvActivated: "ConvActivated",
  DepthwiseActivated: "DepthwiseActivated",
  GlobalAverage: "GlobalAverage",
  GlobalAverageGrad: "GlobalAverageGrad",
  ChannelScale: "ChannelScale",
  ChannelScaleGateGrad: "ChannelScaleGateGrad",
  /** The whole of squeeze and excitation; see `squeezeExcite`. */
  SqueezeExcite: "SqueezeExcite",
  SqueezeExciteGrad: "SqueezeExciteGrad",
  /** See `upsampleConcat`: its inputs are `x` and the skip connections, `attrs.channels` those of all. */
  UpsampleConcat: "UpsampleConcat",
  UpsampleConcatGrad: "UpsampleConcatGrad",
  /** See `blend`: its inputs are both lists of tensors, one behind the other. */
  Blend: "Blend",
} as const;

/** Whether the active backend has the fused kernel `name`. */
export function hasFused(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/** Runs a fused kernel; its gradient is recorded if one is registered. */
export function runFused<T extends tf.Tensor | tf.Tensor[]>(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, unknown> = {},
): T {
  return tf.engine().runKernel(name, inputs, attrs as unknown as tf.NamedAttrMap) as unknown as T;
}
