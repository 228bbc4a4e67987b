/** 3 x 3 convolutions with stride 1 by Winograd's filtering (kernels/winograd*.c): where, and how cut. */
import type * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Address, address, callKernel, fineSlices, threads, withScratch } from "./kernels.ts";

/** As in kernels/winograd.h and tile.h. */
const TILE = 4;
const POINTS = 36;
const ROWS = 6;
const COLUMNS = 8;

/** Floats of a slice's scratch that should stay in the second cache level. */
const CACHED = 192 * 1024;
/** Panels of 6 tiles that are worth one reading of the evaluated filter. */
const FEWEST_PANELS = 4;

/** What a convolution reads and writes. */
export interface Convolution {
  batch: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  /** Zeros above and on the left. */
  pad: [number, number];
}

const whole = (channels: number) => 4 * Math.ceil(channels / 4);
const columnsOf = (channels: number) => COLUMNS * Math.ceil(channels / COLUMNS);

/** Tiles below which evaluating the filter costs more than it saves, forward and for its gradient. */
const FEWEST_TILES = { image: 12, filter: 24 };
/** Products of one input with one output channel below which the tiles cost more than they save. */
const FEWEST_PAIRS = 32;
/** How much dearer than direct ones multiplications in tiles are, all things considered. */
const OVERHEAD = 1.5;

/**
 * Whether Winograd's filtering is the faster way for a convolution of `kernel` and `stride`.
 *
 * @param result whether an image or the filter's gradient is wanted
 */
export function winogradPays(
  kernel: readonly number[],
  stride: readonly number[],
  g: Convolution,
  result: "image" | "filter",
): boolean {
  if (kernel.some((k) => k !== 3) || stride.some((s) => s !== 1)) return false;
  const tiles = tilesOf(g);
  return tiles >= FEWEST_TILES[result] && g.channels * g.outChannels >= FEWEST_PAIRS &&
    OVERHEAD * POINTS * tiles <= 9 * g.batch * g.outHeight * g.outWidth;
}

function tilesOf({ batch, outHeight, outWidth }: Convolution): number {
  return batch * Math.ceil(outHeight / TILE) * Math.ceil(outWidth / TILE);
}

/** How the tiles are grouped, and what a slice needs. */
function plan(g: Convolution, slices: number) {
  const { channels, outChannels } = g;
  const panels = Math.ceil(tilesOf(g) / ROWS);
  const width = whole(channels) + columnsOf(outChannels);
  const fitting = Math.floor(CACHED / (POINTS * ROWS * width));
  const group = Math.min(Math.max(fitting, FEWEST_PANELS), Math.ceil(panels / slices));
  const patch = POINTS * Math.max(whole(channels), whole(outChannels));
  return { panels, group, scratch: POINTS * (group * ROWS * width + 32) + patch };
}

/** The arguments that describe the images, in the order of the kernels. */
function images(g: Convolution): number[] {
  const { batch, height, width, channels, outHeight, outWidth, outChannels, pad } = g;
  return [batch, height, width, channels, outHeight, outWidth, outChannels, ...pad];
}

/**
 * `y` [batch, outHeight, outWidth, outChannels] of `x`.
 *
 * @param flipped whether `filter` is that of the convolution whose input gradient this is
 * @param activation its number, see `activationNumber`
 */
export function winogradForward(
  backend: BackendWasm,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  flipped: boolean,
  g: Convolution,
  y: tf.TensorInfo,
  bias: tf.TensorInfo | null,
  activation: number,
): void {
  const blocks = Math.ceil(g.outChannels / COLUMNS);
  const packed = POINTS * blocks * COLUMNS * g.channels;
  const { panels } = plan(g, 1);
  const slices = Math.min(
    fineSlices(),
    Math.max(threads(), Math.floor(panels / FEWEST_PANELS)),
  );
  const { group, scratch: each } = plan(g, slices);
  withScratch(backend, packed + slices * each, (scratch) => {
    callKernel({
      kernel: "winograd_pack",
      args: [address(backend, filter), scratch, g.channels, g.outChannels, Number(flipped)],
      work: blocks,
    });
    const at = [x, null, bias, y].map((t) => t ? address(backend, t) : 0);
    at[1] = scratch;
    const args = [...at, scratch + 4 * packed, ...images(g), group, activation];
    const steps = args.map((_, i) => i === 4 ? 4 * each : 0);
    callKernel({ kernel: "winograd_forward", args, steps, work: panels, slices });
  }, false);
}

/** `dw` [3, 3, channels, outChannels] of `x` and `dy`. */
export function winogradFilterGradient(
  backend: BackendWasm,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  g: Convolution,
  dw: tf.TensorInfo,
): void {
  const { panels } = plan(g, 1);
  const slices = Math.min(threads(), panels);
  const { group, scratch: each } = plan(g, slices);
  const size = POINTS * whole(g.channels) * columnsOf(g.outChannels);
  withScratch(backend, slices * (size + each), (products: Address) => {
    const scratch = products + 4 * slices * size;
    const args = [
      address(backend, x),
      address(backend, dy),
      products,
      scratch,
      ...images(g),
      group,
    ];
    const steps = args.map((_, i) => i === 2 ? 4 * size : i === 3 ? 4 * each : 0);
    callKernel({ kernel: "winograd_filter_products", args, steps, work: panels, slices });
    callKernel({
      kernel: "winograd_filter_taps",
      args: [products, address(backend, dw), slices, size, g.channels, g.outChannels],
      work: g.channels,
    });
  }, false);
}
