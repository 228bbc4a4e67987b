/**
 * Convolutions with any padding. tfjs-node knows only "same" and "valid" for their gradients, while
 * PyTorch's models pad by numbers; TensorFlow itself has explicit paddings. On the CPU they run by
 * kernels of our own where these are faster.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Addon, execute } from "./addon.ts";
import { depthwise as ownDepthwise } from "./depthwise.ts";
import type { Pass } from "./own_convolution.ts";
import { pointwise } from "./pointwise.ts";
import { type Inputs, replaceKernel } from "./register.ts";
import { winograd } from "./winograd.ts";
import { spatial, windowAttributes } from "./window.ts";

/** What the kernels of convolutions are given; each has some of them. */
interface Attrs {
  strides: [number, number] | number;
  pad: "same" | "valid" | number | tf.backend_util.ExplicitPadding;
  dataFormat?: "NHWC" | "NCHW";
  dilations?: [number, number] | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: number[];
  inputShape: number[];
  activation: tf.backend_util.Activation;
  leakyreluAlpha?: number;
}
type Size4 = [number, number, number, number];
type ConvInfo = tf.backend_util.Conv2DInfo;

/** Replaces tfjs-node's convolutions and their gradients; once a process. */
export function registerConvolutions(addon: Addon): void {
  for (const depthwise of [false, true]) {
    const [forward, byFilter, byInput, fused] = depthwise
      ? [
        tf.DepthwiseConv2dNative,
        tf.DepthwiseConv2dNativeBackpropFilter,
        tf.DepthwiseConv2dNativeBackpropInput,
        tf.FusedDepthwiseConv2D,
      ]
      : [tf.Conv2D, tf.Conv2DBackpropFilter, tf.Conv2DBackpropInput, tf.FusedConv2D];
    const kernels = addon.isUsingGpuDevice()
      ? []
      : depthwise
      ? [ownDepthwise]
      : [winograd, pointwise];
    const ownFor = (info: ConvInfo, pass: Pass) => kernels.find((own) => own.pays(info, pass));
    const attributes = (info: ConvInfo) => {
      const dilations = spatial(info, info.dilationHeight, info.dilationWidth);
      return [
        ...windowAttributes(addon, info),
        { name: "dilations", type: addon.TF_ATTR_INT, value: dilations },
      ];
    };
    const convolve = ({ x, filter }: Inputs, attrs: Attrs) => {
      const info = convInfo(x.shape, filter.shape, attrs, depthwise);
      const own = ownFor(info, "convolution");
      if (own) return own.convolve(addon, x, filter, info);
      return execute(forward, attributes(info), [x, filter], 1)[0];
    };

    replaceKernel<Attrs>(forward, convolve);
    replaceKernel<Attrs>(byFilter, ({ x, dy }, attrs) => {
      const info = convInfo(x.shape, attrs.filterShape, attrs, depthwise);
      const own = ownFor(info, "filter gradient");
      if (own) return own.filterGradient(addon, x, dy, info);
      const sizes = tf.tensor1d(attrs.filterShape, "int32");
      const [gradient] = execute(byFilter, attributes(info), [x, sizes, dy], 1);
      sizes.dispose();
      return gradient;
    });
    replaceKernel<Attrs>(byInput, ({ dy, filter }, attrs) => {
      const info = convInfo(attrs.inputShape, filter.shape, attrs, depthwise);
      const own = ownFor(info, "input gradient");
      if (own) return own.inputGradient(addon, dy, filter, info);
      const sizes = tf.tensor1d(attrs.inputShape, "int32");
      const [gradient] = execute(byInput, attributes(info), [sizes, filter, dy], 1);
      sizes.dispose();
      return gradient;
    });
    replaceKernel<Attrs>(
      fused,
      ({ x, filter, bias, preluActivationWeights }, attrs) =>
        tf.tidy(() => {
          let y = convolve({ x, filter }, attrs) as tf.Tensor;
          if (bias) y = tf.add(y, bias as tf.Tensor);
          const prelu = preluActivationWeights as tf.Tensor | undefined;
          return activate(y, attrs.activation, prelu, attrs.leakyreluAlpha);
        }),
    );
  }
}

function convInfo(input: number[], filter: number[], attrs: Attrs, depthwise: boolean): ConvInfo {
  return tf.backend_util.computeConv2DInfo(
    input as Size4,
    filter as Size4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(attrs.dataFormat ?? "NHWC"),
  );
}

function activate(
  y: tf.Tensor,
  activation: tf.backend_util.Activation,
  weights?: tf.Tensor,
  alpha?: number,
): tf.Tensor {
  switch (activation ?? "linear") {
    case "linear":
      return y;
    case "relu":
      return tf.relu(y);
    case "relu6":
      return tf.relu6(y);
    case "elu":
      return tf.elu(y);
    case "sigmoid":
      return tf.sigmoid(y);
    case "prelu":
      return tf.prelu(y, weights!);
    case "leakyrelu":
      return tf.leakyRelu(y, alpha);
    default:
      throw new RangeError(`unknown activation "${activation}" of a fused convolution`);
  }
}
