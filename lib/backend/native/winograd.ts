/** 3 x 3 convolutions by Winograd's filtering (winograd_forward.cc, winograd_filter.cc) where it pays. */
import type * as tf from "@tensorflow/tfjs-core";
import { type Addon, type Attribute, execute } from "./addon.ts";
import { paddingAtEnd } from "./window.ts";

type Info = tf.backend_util.Conv2DInfo;

/** Tiles of 4 x 4 outputs that the kernels take at once: with fewer, most of the filter is evaluated in vain. */
const TILES = 8;
/** With a smaller share of the tiles' pixels inside the image, the direct sums are fewer. */
const FILLED = 0.3;
/** Fewer channels than these leave the vectors of the evaluated tiles almost empty. */
const CHANNELS = 3;

/**
 * Whether Winograd's filtering is faster than oneDNN's direct sums, measured for 24 sizes on two cores of
 * an AMD EPYC (docs/backends.md): for the convolution and its filter gradient, or for the input gradient.
 */
export function winogradPays(info: Info, of: "convolution" | "input gradient"): boolean {
  const { padInfo: { top, left } } = info;
  const { bottom, right } = paddingAtEnd(info);
  if (
    info.dataFormat !== "channelsLast" || info.filterHeight !== 3 || info.filterWidth !== 3 ||
    info.strideHeight !== 1 || info.strideWidth !== 1 ||
    info.dilationHeight !== 1 || info.dilationWidth !== 1 || Math.max(top, left, bottom, right) > 2
  ) {
    return false;
  }
  const back = of === "input gradient";
  const [height, width] = back ? [info.inHeight, info.inWidth] : [info.outHeight, info.outWidth];
  const tiles = info.batchSize * Math.ceil(height / 4) * Math.ceil(width / 4);
  const filled = info.batchSize * height * width / (16 * tiles);
  return tiles >= TILES && filled >= FILLED &&
    (back ? info.outChannels : info.inChannels) >= CHANNELS;
}

/** `y` of `x` [batch, height, width, in] and `filter` [3, 3, in, out]. */
export function winogradConvolution(
  addon: Addon,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: Info,
): tf.TensorInfo {
  const { top, left } = info.padInfo;
  const { bottom, right } = paddingAtEnd(info);
  const how = [pads(addon, [top, bottom, left, right]), flipped(addon, false)];
  return execute("CryptsConv3x3", how, [x, filter], 1)[0];
}

/** The gradient by `x`: a convolution with the flipped, transposed filter. */
export function winogradInputGradient(
  addon: Addon,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  info: Info,
): tf.TensorInfo {
  const { top, left } = info.padInfo;
  const { bottom, right } = paddingAtEnd(info);
  const back = [top, bottom, left, right].map((pad) => 2 - pad);
  const how = [pads(addon, back), flipped(addon, true)];
  return execute("CryptsConv3x3", how, [dy, filter], 1)[0];
}

/** The gradient by the filter. */
export function winogradFilterGradient(
  addon: Addon,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: Info,
): tf.TensorInfo {
  const { top, left } = info.padInfo;
  const { bottom, right } = paddingAtEnd(info);
  const how = [pads(addon, [top, bottom, left, right])];
  return execute("CryptsConv3x3FilterGrad", how, [x, dy], 1)[0];
}

function pads(addon: Addon, value: number[]): Attribute {
  return { name: "pads", type: addon.TF_ATTR_INT, value };
}

function flipped(addon: Addon, value: boolean): Attribute {
  return { name: "flipped", type: addon.TF_ATTR_INT, value: Number(value) };
}
