/** The operations architectures are written in; run on tensors, on shapes, or to write ONNX. */
import type { BatchNorm, Conv, LayerBuilder } from "./layers.ts";
import type { SegmentationModel } from "./types.ts";

/** One interpreter of the operations; `T` is its feature map ([B,H,W,C] for tensors). */
export interface Ops<T> {
  conv(x: T, conv: Conv): T;
  /** Convolution, batch norm if there is one, activation: interpreters may fuse the three. */
  convNorm(x: T, conv: Conv, norm: BatchNorm | null, activation: Activation): T;
  relu(x: T): T;
  /** min(max(x, 0), 6). */
  relu6(x: T): T;
  sigmoid(x: T): T;
  swish(x: T): T;
  add(a: T, b: T): T;
  /** `x` [B,H,W,C] times `gate` [B,1,1,C]. */
  channelScale(x: T, gate: T): T;
  /** `x` [B,H,W,C] times `gate` [B,H,W,1]. */
  pixelScale(x: T, gate: T): T;
  concat(xs: T[]): T;
  /** Nearest-neighbour, factor 2. */
  upsample(x: T): T;
  /** 3 x 3, stride 2, padding 1. */
  maxPool(x: T): T;
  /** Mean over height and width, [B,1,1,C]. */
  globalAverage(x: T): T;
  /** {@link runSqueezeExcite} in one, for interpreters that have it. */
  squeezeExcite?(x: T, squeeze: Squeeze): T;
  /** {@link runUpsampleConcat} in one, for interpreters that have it. */
  upsampleConcat?(x: T, skips: T[]): T;
  /** Drops whole samples with probability `rate` in training (Huang et al. 2016). */
  dropConnect(x: T, rate: number): T;
  /** The position map of MAnet: x + reshape(softmax over all pairs(centerᵀ top) bottom). */
  positionAttention(x: T, top: T, center: T, bottom: T): T;
}

/** The 1 x 1 convolutions of squeeze and excitation, and what follows the first. */
export interface Squeeze {
  reduce: Conv;
  widen: Conv;
  activation: "relu" | "swish";
}

/** What follows a convolution and its norm. */
export type Activation = "none" | "relu" | "relu6" | "swish";

/** A built encoder: feature maps by stage, input first. */
export interface Encoder {
  /** Channels by stage, those of the input first (depth + 1 entries). */
  channels: number[];
  forward<T>(ops: Ops<T>, x: T): T[];
}

/** A built decoder. */
export interface Decoder {
  /** Channels it hands to the segmentation head. */
  channels: number;
  forward<T>(ops: Ops<T>, features: T[]): T;
}

/** Convolution, batch norm and ReLU in the names of smp's Conv2dReLU (`.0`, `.1`). */
export interface ConvNorm {
  conv: Conv;
  norm: BatchNorm | null;
}

/** smp's Conv2dReLU: the convolution has a bias only where no batch norm follows. */
export function convRelu(
  build: LayerBuilder,
  name: string,
  inputs: number,
  outputs: number,
  kernel: number,
  batchNorm: boolean,
): ConvNorm {
  const conv = build.conv(`${name}.0`, inputs, outputs, kernel, {
    bias: !batchNorm,
    start: "decoder",
  });
  return { conv, norm: batchNorm ? build.batchNorm(`${name}.1`, outputs) : null };
}

/** Runs a {@link convRelu}. */
export function runConvRelu<T>(ops: Ops<T>, x: T, layer: ConvNorm): T {
  return ops.convNorm(x, layer.conv, layer.norm, "relu");
}

/** `x` times the gate that its own means give, channel by channel (Hu et al. 2018). */
export function runSqueezeExcite<T>(ops: Ops<T>, x: T, squeeze: Squeeze): T {
  return ops.squeezeExcite ? ops.squeezeExcite(x, squeeze) : squeezeExciteByParts(ops, x, squeeze);
}

/** `x` upsampled, and behind its channels those of the skip connections. */
export function runUpsampleConcat<T>(ops: Ops<T>, x: T, skips: T[]): T {
  if (ops.upsampleConcat) return ops.upsampleConcat(x, skips);
  const upsampled = ops.upsample(x);
  return skips.length > 0 ? ops.concat([upsampled, ...skips]) : upsampled;
}

/** {@link runSqueezeExcite} in operations that every interpreter has. */
export function squeezeExciteByParts<T>(
  ops: Ops<T>,
  x: T,
  { reduce, widen, activation }: Squeeze,
): T {
  const squeezed = ops.convNorm(ops.globalAverage(x), reduce, null, activation);
  return ops.channelScale(x, ops.sigmoid(ops.conv(squeezed, widen)));
}

/** A model whose graph can be run by any {@link Ops}; what `createModel` returns. */
export interface GraphModel extends SegmentationModel {
  /** Runs the architecture through `ops`: all encoder stages (input first) and the logits. */
  run<T>(ops: Ops<T>, x: T): { features: T[]; logits: T };
  /** Runs the encoder alone through `ops`: all stages, input first. */
  encode<T>(ops: Ops<T>, x: T): T[];
}
