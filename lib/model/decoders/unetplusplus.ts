/** The decoder of U-Net++ (Zhou et al. 2018) as smp 0.2 has it. */
import type { Decoder, Ops } from "../graph.ts";
import type { LayerBuilder } from "../layers.ts";
import { runUpBlock, type UpBlock, upBlock } from "./unet.ts";

/** Builds the dense decoder; block `x_d_l` is the reference's name for depth d and layer l. */
export function buildUnetPlusPlus(
  build: LayerBuilder,
  encoder: number[],
  widths: number[],
  batchNorm: boolean,
  attention: boolean,
): Decoder {
  const stages = encoder.slice(1).reverse();
  const inputs = [stages[0], ...widths.slice(0, -1)];
  const skips = [...stages.slice(1), 0];
  const depth = inputs.length - 1;
  const blocks = new Map<string, UpBlock>();
  const add = (d: number, l: number, from: number, skip: number, to: number) =>
    blocks.set(
      `${d}_${l}`,
      upBlock(build, `decoder.blocks.x_${d}_${l}`, from, skip, to, batchNorm, attention),
    );
  for (let l = 0; l < depth; l++) {
    for (let d = 0; d <= l; d++) {
      if (d === 0) add(d, l, inputs[l], skips[l] * (l + 1), widths[l]);
      else add(d, l, skips[l - 1], skips[l] * (l + 1 - d), skips[l]);
    }
  }
  add(0, depth, inputs[depth], 0, widths[depth]);
  return {
    channels: widths[depth],
    forward<T>(ops: Ops<T>, all: T[]): T {
      const features = all.slice(1).reverse();
      const dense = new Map<string, T>();
      for (let step = 0; step < depth; step++) {
        for (let d = 0; d < depth - step; d++) {
          const l = d + step;
          const from = step === 0 ? features[d] : dense.get(`${d}_${l - 1}`)!;
          const joined: T[] = [];
          for (let i = d + 1; i <= l; i++) joined.push(dense.get(`${i}_${l}`)!);
          joined.push(features[l + 1]);
          dense.set(`${d}_${l}`, runUpBlock(ops, from, joined, blocks.get(`${d}_${l}`)!));
        }
      }
      return runUpBlock(ops, dense.get(`0_${depth - 1}`)!, [], blocks.get(`0_${depth}`)!);
    },
  };
}
