/** What `convolutions.ts` asks of a kernel of our own that stands in for TensorFlow's on the CPU. */
import type * as tf from "@tensorflow/tfjs-core";
import type { Addon, Attribute } from "./addon.ts";
import { paddingAtEnd } from "./window.ts";

/** Sizes, strides, padding and dilation of a convolution, as TensorFlow.js computes them. */
export type Info = tf.backend_util.Conv2DInfo;

/** The convolution or one of its gradients. */
export type Pass = "convolution" | "input gradient" | "filter gradient";

/** Kernels of one kind of convolution. */
export interface OwnConvolution {
  /** Whether they can do this pass of this convolution, and are faster than TensorFlow's. */
  pays(info: Info, pass: Pass): boolean;
  convolve(addon: Addon, x: tf.TensorInfo, filter: tf.TensorInfo, info: Info): tf.TensorInfo;
  inputGradient(addon: Addon, dy: tf.TensorInfo, filter: tf.TensorInfo, info: Info): tf.TensorInfo;
  filterGradient(addon: Addon, x: tf.TensorInfo, dy: tf.TensorInfo, info: Info): tf.TensorInfo;
}

/** Padding at the top, bottom, left and right. */
export function padsOf(info: Info): number[] {
  const { top, left } = info.padInfo;
  const { bottom, right } = paddingAtEnd(info);
  return [top, bottom, left, right];
}

/** Whether the channels come last, the taps are neighbours and there is anything to do. */
export function isPlain(info: Info): boolean {
  return info.dataFormat === "channelsLast" && info.dilationHeight === 1 &&
    info.dilationWidth === 1 && [...info.inShape, ...info.outShape].every((side) => side > 0);
}

/** An attribute of whole numbers. */
export function int(addon: Addon, name: string, value: number | number[]): Attribute {
  return { name, type: addon.TF_ATTR_INT, value };
}
