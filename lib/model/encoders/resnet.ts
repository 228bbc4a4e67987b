/** ResNet encoders (He et al. 2015) as torchvision and smp 0.2 have them. */
import type { Encoder, Ops } from "../graph.ts";
import type { BatchNorm, Conv, LayerBuilder } from "../layers.ts";

const VARIANTS: Record<string, { bottleneck: boolean; blocks: number[] }> = {
  resnet18: { bottleneck: false, blocks: [2, 2, 2, 2] },
  resnet34: { bottleneck: false, blocks: [3, 4, 6, 3] },
  resnet50: { bottleneck: true, blocks: [3, 4, 6, 3] },
  resnet101: { bottleneck: true, blocks: [3, 4, 23, 3] },
  resnet152: { bottleneck: true, blocks: [3, 8, 36, 3] },
};

/** Names of the encoders of this family. */
export const RESNETS = Object.keys(VARIANTS);

interface Block {
  layers: { conv: Conv; norm: BatchNorm }[];
  shortcut: { conv: Conv; norm: BatchNorm } | null;
}

/** Builds `name` with parameters under `encoder.`; stages 1 to `depth` are run. */
export function buildResNet(
  build: LayerBuilder,
  name: string,
  inChannels: number,
  depth: number,
): Encoder {
  const { bottleneck, blocks } = VARIANTS[name];
  const stem = build.conv("encoder.conv1", inChannels, 64, 7, {
    stride: 2,
    pad: 3,
    start: "he-normal",
  });
  const stemNorm = build.batchNorm("encoder.bn1", 64);
  const channels = [inChannels, 64];
  const layers: Block[][] = [];
  let inputs = 64;
  blocks.forEach((count, stage) => {
    const width = 64 << stage;
    const outputs = bottleneck ? 4 * width : width;
    const layer: Block[] = [];
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const at = `encoder.layer${stage + 1}.${i}`;
      layer.push(block(build, at, inputs, width, outputs, stride, bottleneck));
      inputs = outputs;
    }
    layers.push(layer);
    channels.push(outputs);
  });
  return {
    channels: channels.slice(0, depth + 1),
    forward<T>(ops: Ops<T>, x: T): T[] {
      const features = [x];
      x = ops.convNorm(x, stem, stemNorm, "relu");
      features.push(x);
      for (let stage = 0; stage + 2 <= depth; stage++) {
        if (stage === 0) x = ops.maxPool(x);
        for (const b of layers[stage]) x = runBlock(ops, x, b);
        features.push(x);
      }
      return features;
    },
  };
}

function block(
  build: LayerBuilder,
  at: string,
  inputs: number,
  width: number,
  outputs: number,
  stride: number,
  bottleneck: boolean,
): Block {
  const start = "he-normal";
  const layer = (n: number, from: number, to: number, kernel: number, stride: number) => ({
    conv: build.conv(`${at}.conv${n}`, from, to, kernel, { stride, pad: (kernel - 1) / 2, start }),
    norm: build.batchNorm(`${at}.bn${n}`, to),
  });
  const layers = bottleneck
    ? [
      layer(1, inputs, width, 1, 1),
      layer(2, width, width, 3, stride),
      layer(3, width, outputs, 1, 1),
    ]
    : [layer(1, inputs, width, 3, stride), layer(2, width, outputs, 3, 1)];
  const shortcut = stride === 1 && inputs === outputs ? null : {
    conv: build.conv(`${at}.downsample.0`, inputs, outputs, 1, { stride, pad: 0, start }),
    norm: build.batchNorm(`${at}.downsample.1`, outputs),
  };
  return { layers, shortcut };
}

function runBlock<T>(ops: Ops<T>, input: T, { layers, shortcut }: Block): T {
  let x = input;
  layers.forEach(({ conv, norm }, i) => {
    x = ops.convNorm(x, conv, norm, i < layers.length - 1 ? "relu" : "none");
  });
  const skip = shortcut ? ops.convNorm(input, shortcut.conv, shortcut.norm, "none") : input;
  return ops.relu(ops.add(x, skip));
}
