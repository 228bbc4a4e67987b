/** What `convolutions.ts` asks of a kernel of our own that stands in for TensorFlow's on the CPU. */
import type * as tf from "@tensorflow/tfjs-core";
import { type Addon, type Attribute, execute } from "./addon.ts";
import type { NormActivation } from "../../tensor/mod.ts";
import { paddingAtEnd } from "./window.ts";

/** As `enum Activation` in processor.h. */
export const ACTIVATIONS: readonly NormActivation[] = ["none", "relu", "swish", "relu6"];

/** Sizes, strides, padding and dilation of a convolution, as TensorFlow.js computes them. */
export type Info = tf.backend_util.Conv2DInfo;

/** The convolution or one of its gradients. */
export type Pass = "convolution" | "input gradient" | "filter gradient";

/** What follows a convolution in evaluation, in the same pass. */
export interface Ending {
  /** [out] */
  bias: tf.TensorInfo;
  activation: NormActivation;
}

/** Kernels of one kind of convolution. */
export interface OwnConvolution {
  /** Whether they can do this pass of this convolution, and are faster than TensorFlow's. */
  pays(info: Info, pass: Pass): boolean;
  convolve(
    addon: Addon,
    x: tf.TensorInfo,
    filter: tf.TensorInfo,
    info: Info,
    ending?: Ending,
  ): tf.TensorInfo;
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

/** Runs the operation `name`, or the one with bias and activation when there is an ending. */
export function executeWithEnding(
  addon: Addon,
  name: string,
  attributes: Attribute[],
  inputs: tf.TensorInfo[],
  ending?: Ending,
): tf.TensorInfo {
  if (!ending) return execute(name, attributes, inputs, 1)[0];
  const activation = int(addon, "activation", ACTIVATIONS.indexOf(ending.activation));
  return execute(`${name}Activated`, [...attributes, activation], [...inputs, ending.bias], 1)[0];
}

/** An attribute of whole numbers. */
export function int(addon: Addon, name: string, value: number | number[]): Attribute {
  return { name, type: addon.TF_ATTR_INT, value };
}
