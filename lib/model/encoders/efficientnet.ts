/** EfficientNet encoders (Tan and Le 2019) as efficientnet_pytorch and smp have them. */
import { type Encoder, type Ops, runSqueezeExcite, type Squeeze } from "../graph.ts";
import type { BatchNorm, Conv, LayerBuilder } from "../layers.ts";
import { type Padding, StaticSides } from "./padding.ts";

interface Variant {
  /** Factors on channels and repeats. */
  width: number;
  depth: number;
  /** Side of the images that the classifier was trained on. */
  side: number;
  /** Block indices at which stages 2 to 4 end. */
  ends: number[];
}

const VARIANTS: Record<string, Variant> = {
  "efficientnet-b0": { width: 1.0, depth: 1.0, side: 224, ends: [3, 5, 9] },
  "efficientnet-b1": { width: 1.0, depth: 1.1, side: 240, ends: [5, 8, 16] },
  "efficientnet-b2": { width: 1.1, depth: 1.2, side: 260, ends: [5, 8, 16] },
  "efficientnet-b3": { width: 1.2, depth: 1.4, side: 300, ends: [5, 8, 18] },
  "efficientnet-b4": { width: 1.4, depth: 1.8, side: 380, ends: [6, 10, 22] },
  "efficientnet-b5": { width: 1.6, depth: 2.2, side: 456, ends: [8, 13, 27] },
  "efficientnet-b6": { width: 1.8, depth: 2.6, side: 528, ends: [9, 15, 31] },
  "efficientnet-b7": { width: 2.0, depth: 3.1, side: 600, ends: [11, 18, 38] },
};

/** repeats, kernel, stride, expansion, inputs, outputs of B0's block groups. */
const GROUPS = [
  [1, 3, 1, 1, 32, 16],
  [2, 3, 2, 6, 16, 24],
  [2, 5, 2, 6, 24, 40],
  [3, 3, 2, 6, 40, 80],
  [3, 5, 1, 6, 80, 112],
  [4, 5, 2, 6, 112, 192],
  [1, 3, 1, 6, 192, 320],
];

const EPSILON = 1e-3;
const MOMENTUM = 0.01;
const DROP_CONNECT = 0.2;

/** Names of the encoders of this family. */
export const EFFICIENTNETS = Object.keys(VARIANTS);

interface Block {
  expand: Conv | null;
  norm0: BatchNorm | null;
  depthwise: Conv;
  norm1: BatchNorm;
  squeeze: Squeeze;
  project: Conv;
  norm2: BatchNorm;
  skip: boolean;
  outputs: number;
}

/** Width scaled and rounded to a multiple of 8, never below 90% of the wanted width. */
export function scaled(filters: number, width: number): number {
  if (width === 1) return filters;
  const wanted = filters * width;
  const rounded = Math.max(8, Math.floor((wanted + 4) / 8) * 8);
  return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

/** Builds `name` with parameters under `encoder.`; stages 1 to `depth` are run. */
export function buildEfficientNet(
  build: LayerBuilder,
  name: string,
  inChannels: number,
  depth: number,
  padding: Padding,
): Encoder {
  const { width, depth: deeper, side, ends } = VARIANTS[name];
  // smp 0.2 pads everywhere for the training side itself, which is even in all variants.
  const sides = new StaticSides(side);
  const pad = (kernel: number, stride: number) =>
    padding === "smp-0.3" ? sides.next(kernel, stride) : "same";
  const norm = (path: string, channels: number) =>
    build.batchNorm(`encoder.${path}`, channels, EPSILON, MOMENTUM);
  const stemWidth = scaled(32, width);
  const stem = build.conv("encoder._conv_stem", inChannels, stemWidth, 3, {
    stride: 2,
    pad: pad(3, 2),
  });
  const stemNorm = norm("_bn0", stemWidth);
  const blocks: Block[] = [];
  for (const [repeats, kernel, stride, expansion, from, to] of GROUPS) {
    const outputs = scaled(to, width);
    for (let r = 0; r < Math.ceil(repeats * deeper); r++) {
      const inputs = r === 0 ? scaled(from, width) : outputs;
      const path = `_blocks.${blocks.length}`;
      const step = r === 0 ? stride : 1;
      const shape = { inputs, outputs, kernel, stride: step, expansion, pad: pad(kernel, step) };
      blocks.push(block(build, norm, path, shape));
    }
  }
  // Never run in segmentation, but part of the state_dict.
  const last = scaled(320, width);
  const head = scaled(1280, width);
  build.conv("encoder._conv_head", last, head, 1);
  norm("_bn1", head);

  const stageEnds = [...ends, blocks.length];
  const channels = [inChannels, stemWidth, ...stageEnds.map((end) => blocks[end - 1].outputs)];
  return {
    channels: channels.slice(0, depth + 1),
    forward<T>(ops: Ops<T>, x: T): T[] {
      const features = [x];
      x = ops.convNorm(x, stem, stemNorm, "swish");
      features.push(x);
      for (let stage = 0, at = 0; stage + 2 <= depth; stage++) {
        for (; at < stageEnds[stage]; at++) {
          x = runBlock(ops, x, blocks[at], DROP_CONNECT * at / blocks.length);
        }
        features.push(x);
      }
      return features;
    },
  };
}

interface BlockShape {
  inputs: number;
  outputs: number;
  kernel: number;
  stride: number;
  expansion: number;
  /** Padding of the depthwise convolution. */
  pad: "same" | number;
}

function block(
  build: LayerBuilder,
  norm: (path: string, channels: number) => BatchNorm,
  path: string,
  shape: BlockShape,
): Block {
  const { inputs, outputs, kernel, stride, expansion, pad } = shape;
  const at = `encoder.${path}`;
  const middle = inputs * expansion;
  const squeezed = Math.max(1, Math.floor(inputs * 0.25));
  // Object literals evaluate in order, so the parameters come in the state_dict's order.
  return {
    expand: expansion > 1 ? build.conv(`${at}._expand_conv`, inputs, middle, 1) : null,
    norm0: expansion > 1 ? norm(`${path}._bn0`, middle) : null,
    depthwise: build.conv(`${at}._depthwise_conv`, middle, middle, kernel, {
      stride,
      pad,
      depthwise: true,
    }),
    norm1: norm(`${path}._bn1`, middle),
    squeeze: {
      reduce: build.conv(`${at}._se_reduce`, middle, squeezed, 1, { bias: true }),
      widen: build.conv(`${at}._se_expand`, squeezed, middle, 1, { bias: true }),
      activation: "swish",
    },
    project: build.conv(`${at}._project_conv`, middle, outputs, 1),
    norm2: norm(`${path}._bn2`, outputs),
    skip: stride === 1 && inputs === outputs,
    outputs,
  };
}

function runBlock<T>(ops: Ops<T>, input: T, block: Block, dropRate: number): T {
  let x = input;
  if (block.expand) x = ops.convNorm(x, block.expand, block.norm0, "swish");
  x = ops.convNorm(x, block.depthwise, block.norm1, "swish");
  x = runSqueezeExcite(ops, x, block.squeeze);
  x = ops.convNorm(x, block.project, block.norm2, "none");
  if (!block.skip) return x;
  return ops.add(dropRate > 0 ? ops.dropConnect(x, dropRate) : x, input);
}
