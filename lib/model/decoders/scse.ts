/**
 * Spatial and channel squeeze and excitation (Roy et al. 2018), smp's `decoder_attention_type="scse"`.
 */
import { type Ops, runSqueezeExcite } from "../graph.ts";
import type { Conv, LayerBuilder } from "../layers.ts";

/** How far the channels are squeezed, as in smp. */
const REDUCTION = 16;

/** The fewest channels that attention can be given to: fewer would be squeezed to none. */
export const FEWEST_CHANNELS = REDUCTION;

/** The three convolutions of an attention module. */
export interface Attention {
  reduce: Conv;
  widen: Conv;
  spatial: Conv;
}

/** Builds smp's Attention("scse") for feature maps of `channels`. */
export function scse(build: LayerBuilder, name: string, channels: number): Attention {
  const at = `${name}.attention`;
  const squeezed = Math.floor(channels / REDUCTION);
  const plain = { bias: true, start: "decoder" } as const;
  return {
    reduce: build.conv(`${at}.cSE.1`, channels, squeezed, 1, plain),
    widen: build.conv(`${at}.cSE.3`, squeezed, channels, 1, plain),
    spatial: build.conv(`${at}.sSE.0`, channels, 1, 1, plain),
  };
}

/** `x` times its channel gate plus `x` times its pixel gate. */
export function runScse<T>(ops: Ops<T>, x: T, { reduce, widen, spatial }: Attention): T {
  const channels = runSqueezeExcite(ops, x, { reduce, widen, activation: "relu" });
  return ops.add(channels, ops.pixelScale(x, ops.sigmoid(ops.conv(x, spatial))));
}
