/**
 * EfficientNet-Lite encoders (Liu 2020) under the parameter names of timm and of smp's
 * `timm-tf_efficientnet_lite*`: no squeeze and excitation, ReLU6, a stem and a head that are not scaled.
 */
import type { Encoder, Ops } from "../graph.ts";
import type { BatchNorm, Conv, LayerBuilder } from "../layers.ts";
import { scaled } from "./efficientnet.ts";
import type { Padding } from "./padding.ts";

/** Width and depth factors. */
const VARIANTS: Record<string, { width: number; depth: number }> = {
  "timm-tf_efficientnet_lite0": { width: 1.0, depth: 1.0 },
  "timm-tf_efficientnet_lite1": { width: 1.0, depth: 1.1 },
  "timm-tf_efficientnet_lite2": { width: 1.1, depth: 1.2 },
  "timm-tf_efficientnet_lite3": { width: 1.2, depth: 1.4 },
  "timm-tf_efficientnet_lite4": { width: 1.4, depth: 1.8 },
};

/** repeats, kernel, stride, expansion, outputs of the block groups; the first and last are not repeated. */
const GROUPS = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];

/** Groups after which the second to the fifth feature map is taken. */
const STAGE_ENDS = [1, 2, 4, 6];
const STEM = 32;
const HEAD = 1280;
const DROP_PATH = 0.2;
/** Batch norm epsilon of TensorFlow's weights, and PyTorch's own. */
const EPSILON = { tensorflow: 1e-3, torch: 1e-5 };

/** Names of the encoders of this family. */
export const EFFICIENTNET_LITES = Object.keys(VARIANTS);

/** A convolution and its batch norm. */
interface Layer {
  conv: Conv;
  norm: BatchNorm;
}

interface Block {
  /** Expansion (none in the first group), depthwise convolution, projection. */
  expand: Layer | null;
  depthwise: Layer;
  project: Layer;
  skip: boolean;
}

/** Number of blocks of each group of `name`. */
export function liteRepeats(name: string): number[] {
  const { depth } = VARIANTS[name];
  return GROUPS.map(([repeats], group) =>
    group === 0 || group === GROUPS.length - 1 ? repeats : Math.ceil(repeats * depth)
  );
}

/** Builds `name` with parameters under `encoder.`; stages 1 to `depth` are run. */
export function buildEfficientNetLite(
  build: LayerBuilder,
  name: string,
  inChannels: number,
  depth: number,
  padding: Padding,
): Encoder {
  const { width } = VARIANTS[name];
  const layer = layers(build, padding);
  const stem = layer("conv_stem", "bn1", inChannels, STEM, 3, 2);
  let inputs = STEM;
  const groups = liteRepeats(name).map((repeats, g) => {
    const [, kernel, stride, expansion, to] = GROUPS[g];
    const outputs = scaled(to, width);
    return Array.from({ length: repeats }, (_, r) => {
      const shape = { inputs, outputs, kernel, stride: r === 0 ? stride : 1, expansion };
      inputs = outputs;
      return block(layer, `blocks.${g}.${r}`, shape);
    });
  });
  // Never run in segmentation, but part of the state_dict.
  layer("conv_head", "bn2", inputs, HEAD, 1, 1);

  const channels = [
    inChannels,
    STEM,
    ...STAGE_ENDS.map((g) => groups[g][0].project.conv.outChannels),
  ];
  const count = groups.flat().length;
  return {
    channels: channels.slice(0, depth + 1),
    forward<T>(ops: Ops<T>, x: T): T[] {
      const features = [x];
      x = ops.convNorm(x, stem.conv, stem.norm, "relu6");
      features.push(x);
      let at = 0;
      groups.forEach((blocks, g) => {
        if (features.length > depth) return;
        for (const b of blocks) x = runBlock(ops, x, b, DROP_PATH * at++ / count);
        if (STAGE_ENDS.includes(g)) features.push(x);
      });
      return features;
    },
  };
}

/** Makes a convolution and its norm under `encoder.`, in the library's padding and epsilon. */
function layers(build: LayerBuilder, padding: Padding) {
  const tensorflow = padding === "tensorflow";
  return (
    conv: string,
    norm: string,
    inputs: number,
    outputs: number,
    kernel: number,
    stride: number,
    depthwise = false,
  ): Layer => ({
    conv: build.conv(`encoder.${conv}`, inputs, outputs, kernel, {
      stride,
      depthwise,
      pad: tensorflow ? "same" : (kernel - 1) / 2,
    }),
    norm: build.batchNorm(
      `encoder.${norm}`,
      outputs,
      tensorflow ? EPSILON.tensorflow : EPSILON.torch,
    ),
  });
}

interface BlockShape {
  inputs: number;
  outputs: number;
  kernel: number;
  stride: number;
  expansion: number;
}

/** timm numbers a block's norms in their order: a block that does not expand has bn1 and bn2 alone. */
function block(layer: ReturnType<typeof layers>, at: string, shape: BlockShape): Block {
  const { inputs, outputs, kernel, stride, expansion } = shape;
  const middle = inputs * expansion;
  const expands = expansion > 1;
  const [first, second] = expands ? [2, 3] : [1, 2];
  return {
    expand: expands ? layer(`${at}.conv_pw`, `${at}.bn1`, inputs, middle, 1, 1) : null,
    depthwise: layer(`${at}.conv_dw`, `${at}.bn${first}`, middle, middle, kernel, stride, true),
    project: layer(
      `${at}.${expands ? "conv_pwl" : "conv_pw"}`,
      `${at}.bn${second}`,
      middle,
      outputs,
      1,
      1,
    ),
    skip: stride === 1 && inputs === outputs,
  };
}

function runBlock<T>(ops: Ops<T>, input: T, block: Block, dropRate: number): T {
  const { expand, depthwise, project, skip } = block;
  let x = input;
  if (expand) x = ops.convNorm(x, expand.conv, expand.norm, "relu6");
  x = ops.convNorm(x, depthwise.conv, depthwise.norm, "relu6");
  x = ops.convNorm(x, project.conv, project.norm, "none");
  if (!skip) return x;
  return ops.add(dropRate > 0 ? ops.dropConnect(x, dropRate) : x, input);
}
