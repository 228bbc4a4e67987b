/** The decoder of MA-Net (Fan et al. 2020) as smp 0.2 has it. */
import { type ConvNorm, convRelu, type Decoder, type Ops, runConvRelu } from "../graph.ts";
import type { Conv, LayerBuilder } from "../layers.ts";
import { runUpBlock, type UpBlock, upBlock } from "./unet.ts";

const ATTENTION_CHANNELS = 64;
const REDUCTION = 16;

interface Squeeze {
  reduce: Conv;
  widen: Conv;
}

/** The multi-scale fusion attention block. */
interface FusionBlock {
  high: ConvNorm[];
  low: Squeeze;
  deep: Squeeze;
  convs: Pick<UpBlock, "conv1" | "conv2">;
}

/** Builds the decoder for encoder stages of `encoder` channels (input first). */
export function buildManet(
  build: LayerBuilder,
  encoder: number[],
  widths: number[],
  batchNorm: boolean,
): Decoder {
  const stages = encoder.slice(1).reverse();
  const head = stages[0];
  const plain = { bias: true, start: "decoder" } as const;
  const center = {
    top: build.conv("decoder.center.top_conv", head, ATTENTION_CHANNELS, 1, plain),
    center: build.conv("decoder.center.center_conv", head, ATTENTION_CHANNELS, 1, plain),
    bottom: build.conv("decoder.center.bottom_conv", head, head, 3, plain),
    out: build.conv("decoder.center.out_conv", head, head, 3, plain),
  };
  const blocks = widths.map((width, i) => {
    const name = `decoder.blocks.${i}`;
    const inputs = i === 0 ? head : widths[i - 1];
    const skip = stages[i + 1] ?? 0;
    return skip > 0
      ? fusion(build, name, inputs, skip, width, batchNorm)
      : upBlock(build, name, inputs, 0, width, batchNorm);
  });
  return {
    channels: widths[widths.length - 1],
    forward<T>(ops: Ops<T>, features: T[]): T {
      const [deepest, ...skips] = features.slice(1).reverse();
      const attended = ops.positionAttention(
        deepest,
        ops.conv(deepest, center.top),
        ops.conv(deepest, center.center),
        ops.conv(deepest, center.bottom),
      );
      return blocks.reduce(
        (x, block, i) =>
          "high" in block ? runFusion(ops, x, skips[i], block) : runUpBlock(ops, x, [], block),
        ops.conv(attended, center.out),
      );
    },
  };
}

function fusion(
  build: LayerBuilder,
  name: string,
  inputs: number,
  skip: number,
  outputs: number,
  batchNorm: boolean,
): FusionBlock {
  const reduced = Math.max(1, Math.floor(skip / REDUCTION));
  const plain = { bias: true, start: "decoder" } as const;
  const squeeze = (at: string): Squeeze => ({
    reduce: build.conv(`${name}.${at}.1`, skip, reduced, 1, plain),
    widen: build.conv(`${name}.${at}.3`, reduced, skip, 1, plain),
  });
  return {
    high: [
      convRelu(build, `${name}.hl_conv.0`, inputs, inputs, 3, batchNorm),
      convRelu(build, `${name}.hl_conv.1`, inputs, skip, 1, batchNorm),
    ],
    low: squeeze("SE_ll"),
    deep: squeeze("SE_hl"),
    convs: {
      conv1: convRelu(build, `${name}.conv1`, 2 * skip, outputs, 3, batchNorm),
      conv2: convRelu(build, `${name}.conv2`, outputs, outputs, 3, batchNorm),
    },
  };
}

function runFusion<T>(ops: Ops<T>, x: T, skip: T, block: FusionBlock): T {
  for (const layer of block.high) x = runConvRelu(ops, x, layer);
  x = ops.upsample(x);
  const attention = ops.add(runSqueeze(ops, x, block.deep), runSqueeze(ops, skip, block.low));
  x = ops.concat([ops.channelScale(x, attention), skip]);
  return runConvRelu(ops, runConvRelu(ops, x, block.convs.conv1), block.convs.conv2);
}

function runSqueeze<T>(ops: Ops<T>, x: T, { reduce, widen }: Squeeze): T {
  const squeezed = ops.convNorm(ops.globalAverage(x), reduce, null, "relu");
  return ops.sigmoid(ops.conv(squeezed, widen));
}
