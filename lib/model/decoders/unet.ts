/** The decoder of U-Net (Ronneberger et al. 2015) as smp 0.2 has it. */
import {
  type ConvNorm,
  convRelu,
  type Decoder,
  type Ops,
  runConvRelu,
  runUpsampleConcat,
} from "../graph.ts";
import type { LayerBuilder } from "../layers.ts";
import { type Attention, runScse, scse } from "./scse.ts";

/** Upsampling, concatenation with the skip connection, two convolutions. */
export interface UpBlock {
  conv1: ConvNorm;
  /** On what was concatenated. */
  attention1: Attention | null;
  conv2: ConvNorm;
  /** On the block's output. */
  attention2: Attention | null;
}

/** Builds smp's DecoderBlock; `skip` 0 where no skip connection comes in. */
export function upBlock(
  build: LayerBuilder,
  name: string,
  inputs: number,
  skip: number,
  outputs: number,
  batchNorm: boolean,
  attention = false,
): UpBlock {
  const attend = (at: string, channels: number) =>
    attention ? scse(build, `${name}.${at}`, channels) : null;
  // In the state_dict's order. A block without skip connections has its first attention, and never runs it.
  const conv1 = convRelu(build, `${name}.conv1`, inputs + skip, outputs, 3, batchNorm);
  const attention1 = attend("attention1", inputs + skip);
  const conv2 = convRelu(build, `${name}.conv2`, outputs, outputs, 3, batchNorm);
  return { conv1, attention1, conv2, attention2: attend("attention2", outputs) };
}

/** Runs an {@link upBlock} on `x` and the skip connection(s). */
export function runUpBlock<T>(ops: Ops<T>, x: T, skips: T[], block: UpBlock): T {
  x = runUpsampleConcat(ops, x, skips);
  if (skips.length > 0 && block.attention1) x = runScse(ops, x, block.attention1);
  x = runConvRelu(ops, runConvRelu(ops, x, block.conv1), block.conv2);
  return block.attention2 ? runScse(ops, x, block.attention2) : x;
}

/** Builds the decoder for encoder stages of `encoder` channels (input first). */
export function buildUnet(
  build: LayerBuilder,
  encoder: number[],
  widths: number[],
  batchNorm: boolean,
  attention: boolean,
): Decoder {
  const stages = encoder.slice(1).reverse();
  const blocks = widths.map((width, i) =>
    upBlock(
      build,
      `decoder.blocks.${i}`,
      i === 0 ? stages[0] : widths[i - 1],
      stages[i + 1] ?? 0,
      width,
      batchNorm,
      attention,
    )
  );
  return {
    channels: widths[widths.length - 1],
    forward<T>(ops: Ops<T>, features: T[]): T {
      const [deepest, ...skips] = features.slice(1).reverse();
      return blocks.reduce((x, b, i) => runUpBlock(ops, x, skips.slice(i, i + 1), b), deepest);
    },
  };
}
