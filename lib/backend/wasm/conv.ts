/** The convolution and its gradients on the project's own kernels (kernels/conv_*.c). */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { Fused } from "../../tensor/mod.ts";
import { activationNumber } from "./activation.ts";
import { COLUMNS, convFilterGradient, PIXELS } from "./conv_filter.ts";
import { type Address, address, callKernel, fineSlices, withScratch } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";
import { type Convolution, winogradForward, winogradPays } from "./winograd.ts";

type Conv2DInfo = tf.backend_util.Conv2DInfo;
type T4 = tf.Tensor4D;
type Size4 = [number, number, number, number];

/** Registers `Conv2D`, `FusedConv2D`, `Conv2DBackpropInput` and `Conv2DBackpropFilter`. */
export function registerConv(): void {
  registerWasmKernel<"x" | "filter", tf.Conv2DAttrs>(
    tf.Conv2D,
    ({ inputs: { x, filter }, attrs, backend }) =>
      forward(x, filter, convInfo(attrs, x.shape, filter.shape), backend, null, 0),
  );
  registerFused();
  registerWasmKernel<"dy" | "filter", tf.Conv2DBackpropInputAttrs>(
    tf.Conv2DBackpropInput,
    ({ inputs: { dy, filter }, attrs, backend }) =>
      inputGradient(dy, filter, convInfo(attrs, attrs.inputShape, filter.shape), backend),
  );
  registerWasmKernel<"x" | "dy", tf.Conv2DBackpropFilterAttrs>(
    tf.Conv2DBackpropFilter,
    ({ inputs: { x, dy }, attrs, backend }) =>
      convFilterGradient(x, dy, convInfo(attrs, x.shape, attrs.filterShape as Size4), backend),
  );
}

/** With bias and one of our activations; others stay with the backend's own. */
function registerFused(): void {
  for (const name of [tf.FusedConv2D, Fused.ConvActivated]) {
    registerWasmKernel<"x" | "filter" | "bias", tf.FusedConv2DAttrs>(name, (call, own) => {
      const { inputs: { x, filter, bias }, attrs, backend } = call;
      const activation = activationNumber(attrs.activation);
      if (activation < 0 || bias && bias.size !== filter.shape[3]) return own();
      const info = convInfo(attrs, x.shape, filter.shape);
      return forward(x, filter, info, backend, bias ?? null, activation);
    });
  }
}

function convInfo(
  attrs: tf.Conv2DAttrs | tf.Conv2DBackpropInputAttrs | tf.Conv2DBackpropFilterAttrs,
  inShape: Size4,
  filterShape: Size4,
): Conv2DInfo {
  const { strides, pad, dataFormat, dimRoundingMode } = attrs;
  if (dataFormat !== "NHWC") {
    throw new RangeError(`convolutions on wasm need NHWC, got ${dataFormat}`);
  }
  return tf.backend_util.computeConv2DInfo(
    inShape,
    filterShape,
    strides,
    "dilations" in attrs ? attrs.dilations : 1,
    pad,
    dimRoundingMode,
  );
}

/** A convolution, whichever way it runs; `pad` may be negative. */
interface Geometry extends Convolution {
  kernel: [number, number];
  stride: [number, number];
  /** 1, or how far apart the input's pixels are set, with zeros between. */
  gap: [number, number];
  /** Whether the window never leaves the image. */
  inside: boolean;
}

function forward(
  x: T4,
  filter: T4,
  info: Conv2DInfo,
  backend: BackendWasm,
  bias: tf.TensorInfo | null,
  activation: number,
): tf.TensorInfo {
  const spread = info.dilationHeight * info.dilationWidth > 1
    ? dilate(filter, info.dilationHeight, info.dilationWidth)
    : filter;
  const { padInfo: p } = info;
  const geometry: Geometry = {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: info.inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels: info.outChannels,
    kernel: [info.effectiveFilterHeight, info.effectiveFilterWidth],
    stride: [info.strideHeight, info.strideWidth],
    gap: [1, 1],
    pad: [p.top, p.left],
    inside: p.top + p.bottom + p.left + p.right === 0,
  };
  const y = run("conv_pack_filter", x, spread, geometry, info.outShape, backend, bias, activation);
  if (spread !== filter) spread.dispose();
  return y;
}

/** A forward convolution with the flipped, transposed filter. */
function inputGradient(
  dy: T4,
  filter: T4,
  info: Conv2DInfo,
  backend: BackendWasm,
): tf.TensorInfo {
  const { padInfo: p, filterHeight, filterWidth } = info;
  const geometry: Geometry = {
    batch: info.batchSize,
    height: info.outHeight,
    width: info.outWidth,
    channels: info.outChannels,
    outHeight: info.inHeight,
    outWidth: info.inWidth,
    outChannels: info.inChannels,
    kernel: [filterHeight, filterWidth],
    stride: [1, 1],
    gap: [info.strideHeight, info.strideWidth],
    pad: [filterHeight - 1 - p.top, filterWidth - 1 - p.left],
    inside: p.top + p.bottom + p.left + p.right === 0 && filterHeight * filterWidth === 1,
  };
  return run("conv_pack_flipped", dy, filter, geometry, info.inShape, backend, null, 0);
}

type Packing = "conv_pack_filter" | "conv_pack_flipped";

function run(
  packing: Packing,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  g: Geometry,
  outShape: number[],
  backend: BackendWasm,
  bias: tf.TensorInfo | null,
  activation: number,
): tf.TensorInfo {
  const y = backend.makeOutput(outShape, "float32");
  if (g.gap[0] * g.gap[1] === 1 && winogradPays(g.kernel, g.stride, g, "image")) {
    winogradForward(backend, x, filter, packing === "conv_pack_flipped", g, y, bias, activation);
    return y;
  }
  const [kh, kw] = g.kernel;
  const blocks = Math.ceil(g.outChannels / COLUMNS);
  const packed = blocks * COLUMNS * kh * kw * g.channels;
  const asItLies = g.inside && kh === 1 && kw === 1 && g.gap[0] === 1 && g.gap[1] === 1;
  // Without a neighbourhood each pixel is a row of its own.
  const flat = asItLies && g.stride[0] === 1 && g.stride[1] === 1;
  const pixels = g.batch * g.outHeight * g.outWidth;
  const [height, width, outHeight, outWidth, batch] = flat
    ? [pixels, 1, pixels, 1, 1]
    : [g.height, g.width, g.outHeight, g.outWidth, g.batch];
  const group = Math.min(outHeight, Math.max(1, Math.floor(PIXELS / outWidth)));
  const window = asItLies
    ? 0
    : ((group - 1) * g.stride[0] + kh) * ((outWidth - 1) * g.stride[1] + kw) * g.channels;
  const slices = fineSlices();
  withScratch(backend, packed + slices * window, (scratch) => {
    packFilter(backend, packing, filter, g, scratch, blocks);
    const windows: Address = window ? scratch + 4 * packed : 0;
    const args = [
      address(backend, x),
      scratch,
      bias ? address(backend, bias) : 0,
      address(backend, y),
      windows,
      height,
      width,
      g.channels,
      outHeight,
      outWidth,
      g.outChannels,
      kh,
      kw,
      ...g.stride,
      ...g.gap,
      ...g.pad,
      group,
      activation,
    ];
    const steps = args.map((_, i) => i === 4 ? 4 * window : 0);
    callKernel({ kernel: "conv_forward", args, steps, work: batch * outHeight, slices });
  }, false);
  return y;
}

/** Lays the filter into `scratch` in blocks of output channels. */
function packFilter(
  backend: BackendWasm,
  packing: Packing,
  filter: tf.TensorInfo,
  { kernel: [kh, kw], channels, outChannels }: Geometry,
  scratch: number,
  blocks: number,
): void {
  // As the filter lies: [taps, channels, outChannels], or the other way round when flipped.
  const sizes = packing === "conv_pack_filter" ? [channels, outChannels] : [outChannels, channels];
  callKernel({
    kernel: packing,
    args: [address(backend, filter), scratch, kh * kw, ...sizes],
    work: blocks,
  });
}

/** The filter with zeros between its taps: a dilated convolution is one with this filter. */
function dilate(filter: T4, dilationY: number, dilationX: number): T4 {
  const [kh, kw, channels, out] = filter.shape;
  return tf.tidy((): T4 => {
    const rows = tf.pad(tf.reshape(filter, [kh, 1, kw, channels * out]), [
      [0, 0],
      [0, dilationY - 1],
      [0, 0],
      [0, 0],
    ]);
    const both = tf.pad(tf.reshape(rows, [kh * dilationY, kw, 1, channels * out]), [
      [0, 0],
      [0, 0],
      [0, dilationX - 1],
      [0, 0],
    ]);
    const size: Size4 = [kh * dilationY, kw * dilationX, channels, out];
    const cut: Size4 = [(kh - 1) * dilationY + 1, (kw - 1) * dilationX + 1, channels, out];
    return tf.slice(tf.reshape(both, size), [0, 0, 0, 0], cut) as T4;
  });
}
