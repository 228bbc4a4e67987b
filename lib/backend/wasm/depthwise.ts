/**
 * The depthwise convolution and its gradients: any stride, padding and dilation. A channel multiplier
 * other than 1 is left to the backend's own kernel forward, and costs a copy backward.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { Fused } from "../../tensor/mod.ts";
import { activationNumber } from "./activation.ts";
import { address, callKernel, sumSlices } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

type Conv2DInfo = tf.backend_util.Conv2DInfo;
type Size4 = [number, number, number, number];
type Attrs =
  | tf.DepthwiseConv2dNativeAttrs
  | tf.FusedDepthwiseConv2DAttrs
  | tf.DepthwiseConv2dNativeBackpropInputAttrs
  | tf.DepthwiseConv2dNativeBackpropFilterAttrs;

/** Registers the depthwise convolution, plain and fused, and both gradients. */
export function registerDepthwise(): void {
  registerWasmKernel<"x" | "filter", tf.DepthwiseConv2dNativeAttrs>(
    tf.DepthwiseConv2dNative,
    ({ inputs: { x, filter }, attrs, backend }, own) => {
      if (filter.shape[3] !== 1) return own();
      return forward(x, filter, depthwiseInfo(attrs, x.shape, filter.shape), backend, null, 0);
    },
  );
  for (const name of [tf.FusedDepthwiseConv2D, Fused.DepthwiseActivated]) {
    registerWasmKernel<"x" | "filter" | "bias", tf.FusedDepthwiseConv2DAttrs>(name, (call, own) => {
      const { inputs: { x, filter, bias }, attrs, backend } = call;
      const activation = activationNumber(attrs.activation);
      const fits = filter.shape[3] === 1 && (!bias || bias.size === filter.shape[2]);
      if (activation < 0 || !fits) return own();
      const info = depthwiseInfo(attrs, x.shape, filter.shape);
      return forward(x, filter, info, backend, bias ?? null, activation);
    });
  }
  registerWasmKernel<"dy" | "filter", tf.DepthwiseConv2dNativeBackpropInputAttrs>(
    tf.DepthwiseConv2dNativeBackpropInput,
    ({ inputs: { dy, filter }, attrs, backend }) =>
      inputGradient(dy, filter, depthwiseInfo(attrs, attrs.inputShape, filter.shape), backend),
  );
  registerWasmKernel<"x" | "dy", tf.DepthwiseConv2dNativeBackpropFilterAttrs>(
    tf.DepthwiseConv2dNativeBackpropFilter,
    ({ inputs: { x, dy }, attrs, backend }) =>
      filterGradient(x, dy, depthwiseInfo(attrs, x.shape, attrs.filterShape as Size4), backend),
  );
}

function depthwiseInfo(attrs: Attrs, inShape: Size4, filterShape: Size4): Conv2DInfo {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(
    inShape,
    filterShape,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    true,
  );
}

function forward(
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: Conv2DInfo,
  backend: BackendWasm,
  bias: tf.TensorInfo | null,
  activation: number,
): tf.TensorInfo {
  const y = backend.makeOutput(info.outShape, "float32");
  const at = (t: tf.TensorInfo) => address(backend, t);
  callKernel({
    kernel: "depthwise_forward",
    args: [
      at(x),
      at(filter),
      bias ? at(bias) : 0,
      at(y),
      ...geometry(info),
      activation,
    ],
    work: info.batchSize * info.outHeight,
  });
  return y;
}

function inputGradient(
  dy: tf.Tensor4D,
  filter: tf.Tensor4D,
  info: Conv2DInfo,
  backend: BackendWasm,
): tf.TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outChannels, padInfo } = info;
  const multiplier = outChannels / inChannels;
  if (multiplier === 1 && info.strideHeight === 1 && info.strideWidth === 1) {
    // A forward convolution with the flipped filter.
    const turned = tf.reverse(filter, [0, 1]);
    const pad = {
      top: info.effectiveFilterHeight - 1 - padInfo.top,
      left: info.effectiveFilterWidth - 1 - padInfo.left,
    };
    const dx = forward(dy, turned, swapped(info, pad), backend, null, 0);
    turned.dispose();
    return dx;
  }
  const wide = backend.makeOutput([batchSize, inHeight, inWidth, outChannels], "float32");
  callKernel({
    kernel: "depthwise_input_gradient",
    args: [...[dy, filter, wide].map((t) => address(backend, t)), ...geometry(info)],
    work: batchSize * inHeight,
  });
  if (multiplier === 1) return wide;
  return tf.tidy(() => {
    const shape = [batchSize, inHeight, inWidth, inChannels, multiplier];
    return tf.sum(tf.reshape(tf.engine().makeTensorFromTensorInfo(wide), shape), 4);
  });
}

/** The geometry of the way back: what went in comes out. */
function swapped(info: Conv2DInfo, pad: { top: number; left: number }): Conv2DInfo {
  return {
    ...info,
    inHeight: info.outHeight,
    inWidth: info.outWidth,
    outHeight: info.inHeight,
    outWidth: info.inWidth,
    outShape: info.inShape,
    padInfo: { ...info.padInfo, ...pad },
  };
}

function filterGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  info: Conv2DInfo,
  backend: BackendWasm,
): tf.TensorInfo {
  const { batchSize, outHeight, filterHeight, filterWidth, inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  return tf.tidy(() => {
    // With a multiplier, each input channel stands beside each output channel that it feeds.
    const repeated = multiplier === 1
      ? x
      : tf.reshape(tf.tile(tf.expandDims(x, 4), [1, 1, 1, 1, multiplier]), [
        ...x.shape.slice(0, 3),
        outChannels,
      ]);
    const dw = backend.makeOutput([filterHeight, filterWidth, inChannels, multiplier], "float32");
    sumSlices(backend, dw, (parts, size) => {
      const args = [address(backend, repeated), address(backend, dy), parts, ...geometry(info)];
      callKernel({
        kernel: "depthwise_filter_gradient",
        args,
        steps: args.map((_, i) => i === 2 ? size : 0),
        work: batchSize * outHeight,
      });
    });
    return tf.engine().makeTensorFromTensorInfo(dw);
  });
}

/** The arguments that the kernels share, in their order. */
function geometry(info: Conv2DInfo): number[] {
  return [
    info.inHeight,
    info.inWidth,
    info.outChannels,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}
