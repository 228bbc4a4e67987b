/** Encoder weights under the key names of other libraries, translated to the reference's. */
import type { NamedTensor } from "../safetensors.ts";

/** Whose names a file of weights uses. */
export type KeyStyle = "model" | "encoder" | "torchvision" | "timm" | "bare";

/** Anything under the names of a state_dict. */
type Named<T> = ReadonlyMap<string, T>;

/**
 * Recognizes the names: "model" (a whole one), "encoder" (`encoder.…` alone), "bare" (smp's encoder
 * without the prefix: efficientnet_pytorch's files, and ResNets of torchvision and timm), "timm" and
 * "torchvision" (their EfficientNets).
 */
export function keyStyle(tensors: Named<unknown>): KeyStyle {
  const names = [...tensors.keys()];
  if (names.some((n) => /^(decoder|segmentation_head)\./.test(n))) return "model";
  if (names.some((n) => n.startsWith("encoder."))) return "encoder";
  if (names.includes("conv_stem.weight")) return "timm";
  if (names.includes("features.0.0.weight")) return "torchvision";
  return "bare";
}

/** The encoder's tensors under smp's names (`encoder.…`); the classifier is left out. */
export function toEncoderNames<T>(tensors: Named<T>, style: KeyStyle): Map<string, T> {
  const out = new Map<string, T>();
  const blocks = style === "timm"
    ? blockNumbers(tensors, /^blocks\.(\d+)\.(\d+)\./)
    : blockNumbers(tensors, /^features\.([1-7])\.(\d+)\./);
  for (const [name, tensor] of tensors) {
    if (/^(fc|_fc|classifier)\./.test(name)) continue;
    const renamed = style === "encoder"
      ? name
      : `encoder.${
        style === "timm"
          ? fromTimm(name, blocks)
          : style === "torchvision"
          ? fromTorchvision(name, blocks)
          : name
      }`;
    out.set(renamed, tensor);
  }
  return out;
}

/**
 * A first convolution [O,3,k,k] for `channels` input channels, as smp 0.2's patch_first_conv: summed
 * for one channel, else repeated and scaled to keep the sum.
 */
export function adaptFirstConv({ shape, values }: NamedTensor, channels: number): NamedTensor {
  const [outputs, inputs, height, width] = shape;
  if (inputs === channels) return { shape, values };
  const taps = height * width;
  const out = new Float32Array(outputs * channels * taps);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < Math.max(inputs, channels); i++) {
      if (channels > 1 && i >= channels) break;
      const from = (o * inputs + i % inputs) * taps;
      const to = (o * channels + (channels === 1 ? 0 : i)) * taps;
      const factor = channels === 1 ? 1 : inputs / channels;
      for (let t = 0; t < taps; t++) out[to + t] += values[from + t] * factor;
    }
  }
  return { shape: [outputs, channels, height, width], values: out };
}

/** Running numbers of "stage.index" pairs, in numeric order. */
function blockNumbers(tensors: Named<unknown>, pattern: RegExp): Map<string, number> {
  const pairs = new Map<string, [number, number]>();
  for (const name of tensors.keys()) {
    const match = pattern.exec(name);
    if (match) pairs.set(`${match[1]}.${match[2]}`, [Number(match[1]), Number(match[2])]);
  }
  const sorted = [...pairs].sort(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
  return new Map(sorted.map(([pair], i) => [pair, i]));
}

const TIMM_BLOCK: Record<string, string> = {
  "conv_pw": "_expand_conv",
  "bn1": "_bn0",
  "conv_dw": "_depthwise_conv",
  "bn2": "_bn1",
  "se.conv_reduce": "_se_reduce",
  "se.conv_expand": "_se_expand",
  "conv_pwl": "_project_conv",
  "bn3": "_bn2",
};

/** Blocks of stage 0 do not expand: their names are one step behind. */
const TIMM_FIRST: Record<string, string> = {
  ...TIMM_BLOCK,
  "bn1": "_bn1",
  "conv_pw": "_project_conv",
  "bn2": "_bn2",
};

const TIMM_ENDS: Record<string, string> = {
  "conv_stem": "_conv_stem",
  "bn1": "_bn0",
  "conv_head": "_conv_head",
  "bn2": "_bn1",
};

function fromTimm(name: string, blocks: Map<string, number>): string {
  const match = /^blocks\.(\d+)\.(\d+)\.(.+)\.(\w+)$/.exec(name);
  if (!match) {
    const [layer, part] = split(name);
    return `${TIMM_ENDS[layer] ?? layer}.${part}`;
  }
  const [, stage, index, layer, part] = match;
  const names = stage === "0" ? TIMM_FIRST : TIMM_BLOCK;
  return `_blocks.${blocks.get(`${stage}.${index}`)}.${names[layer] ?? layer}.${part}`;
}

const TORCHVISION_BLOCK: Record<string, string> = {
  "0.0": "_expand_conv",
  "0.1": "_bn0",
  "1.0": "_depthwise_conv",
  "1.1": "_bn1",
  "2.fc1": "_se_reduce",
  "2.fc2": "_se_expand",
  "3.0": "_project_conv",
  "3.1": "_bn2",
};

const TORCHVISION_FIRST: Record<string, string> = {
  "0.0": "_depthwise_conv",
  "0.1": "_bn1",
  "1.fc1": "_se_reduce",
  "1.fc2": "_se_expand",
  "2.0": "_project_conv",
  "2.1": "_bn2",
};

const TORCHVISION_ENDS: Record<string, string> = {
  "features.0.0": "_conv_stem",
  "features.0.1": "_bn0",
  "features.8.0": "_conv_head",
  "features.8.1": "_bn1",
};

function fromTorchvision(name: string, blocks: Map<string, number>): string {
  const match = /^features\.([1-7])\.(\d+)\.block\.(.+)\.(\w+)$/.exec(name);
  if (!match) {
    const [layer, part] = split(name);
    return `${TORCHVISION_ENDS[layer] ?? layer}.${part}`;
  }
  const [, stage, index, layer, part] = match;
  const names = stage === "1" ? TORCHVISION_FIRST : TORCHVISION_BLOCK;
  return `_blocks.${blocks.get(`${stage}.${index}`)}.${names[layer] ?? layer}.${part}`;
}

function split(name: string): [string, string] {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, dot), name.slice(dot + 1)];
}
