/** The decoder of LinkNet (Chaurasia and Culurciello 2017) as smp 0.2 has it. */
import { convRelu, type Decoder, type Ops, runConvRelu } from "../graph.ts";
import type { LayerBuilder } from "../layers.ts";

/** Channels before the segmentation head. */
const PREFINAL = 32;

/** Builds the decoder; decoder widths are not used: they follow from the encoder's. */
export function buildLinknet(
  build: LayerBuilder,
  encoder: number[],
  _widths: number[],
  batchNorm: boolean,
): Decoder {
  const channels = [...encoder.slice(1).reverse(), PREFINAL];
  const blocks = channels.slice(1).map((outputs, i) => {
    const name = `decoder.blocks.${i}.block`;
    const inputs = channels[i];
    const middle = Math.floor(inputs / 4);
    return {
      narrow: convRelu(build, `${name}.0`, inputs, middle, 1, batchNorm),
      // nn.ConvTranspose2d is no nn.Conv2d: initialize_decoder leaves PyTorch's default in place.
      up: build.conv(`${name}.1.0`, middle, middle, 4, { transposed: true, stride: 2, bias: true }),
      upNorm: batchNorm ? build.batchNorm(`${name}.1.1`, middle) : null,
      widen: convRelu(build, `${name}.2`, middle, outputs, 1, batchNorm),
    };
  });
  return {
    channels: PREFINAL,
    forward<T>(ops: Ops<T>, features: T[]): T {
      const [deepest, ...skips] = features.slice(1).reverse();
      return blocks.reduce((x, block, i) => {
        x = runConvRelu(ops, x, block.narrow);
        x = ops.convNorm(x, block.up, block.upNorm, "relu");
        x = runConvRelu(ops, x, block.widen);
        return i < skips.length ? ops.add(x, skips[i]) : x;
      }, deepest);
    },
  };
}
