/** Convolutions as direct sums: what kernels are compared with. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";

/** The bound on the root of the mean square error, in deviations of the output. */
const BOUND = 5e-6;

/** Rows and columns of zeros around an image. */
export type Pads = [top: number, bottom: number, left: number, right: number];
export type Size4 = [number, number, number, number];

/** Sizes of a convolution of square windows. */
export interface Convolution {
  batch: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  taps: number;
  stride: number;
  pads: Pads;
  /** Each channel has a filter of its own. */
  depthwise: boolean;
}

/** A convolution by its image, channels in and out, padding and window. */
export function of(
  batch: number,
  [height, width]: [number, number],
  [channels, outChannels]: [number, number],
  pads: Pads = [0, 0, 0, 0],
  { taps = 3, stride = 1, depthwise = false } = {},
): Convolution {
  const outHeight = Math.floor((height + pads[0] + pads[1] - taps) / stride) + 1;
  const outWidth = Math.floor((width + pads[2] + pads[3] - taps) / stride) + 1;
  const sides = { batch, height, width, channels, outHeight, outWidth, outChannels };
  return { ...sides, taps, stride, pads, depthwise };
}

/** The padding as TensorFlow.js takes it. */
export function padding({ pads: [top, bottom, left, right] }: Convolution) {
  const pad: tf.backend_util.ExplicitPadding = [[0, 0], [top, bottom], [left, right], [0, 0]];
  return pad;
}

/** [taps, taps, channels, outputs per channel]. */
export function filterShape({ taps, channels, outChannels, depthwise }: Convolution): Size4 {
  return [taps, taps, channels, depthwise ? 1 : outChannels];
}

/** As TensorFlow.js computes it. */
export function infoOf(g: Convolution): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    [g.batch, g.height, g.width, g.channels],
    filterShape(g),
    g.stride,
    1,
    padding(g),
    "floor",
    g.depthwise,
  );
}

/** Every product of the convolution: image, filter and output index. */
export function eachProduct(g: Convolution, use: (x: number, w: number, y: number) => void): void {
  for (let at = 0; at < g.batch * g.outHeight * g.outWidth; at++) {
    const [ox, oy] = [at % g.outWidth, Math.floor(at / g.outWidth) % g.outHeight];
    const sample = Math.floor(at / (g.outWidth * g.outHeight));
    for (let tap = 0; tap < g.taps ** 2; tap++) {
      const y = oy * g.stride + Math.floor(tap / g.taps) - g.pads[0];
      const x = ox * g.stride + tap % g.taps - g.pads[2];
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
      const pixel = ((sample * g.height + y) * g.width + x) * g.channels;
      for (let c = 0; c < g.channels; c++) {
        const w = tap * g.channels + c;
        if (g.depthwise) {
          use(pixel + c, w, at * g.channels + c);
          continue;
        }
        for (let o = 0; o < g.outChannels; o++) {
          use(pixel + c, w * g.outChannels + o, at * g.outChannels + o);
        }
      }
    }
  }
}

/** Asserts values to {@link BOUND} of what they should be, in deviations of that. */
export function assertNear(got: tf.TypedArray, want: Float64Array, what: string): void {
  assert.equal(got.length, want.length, what);
  const mean = want.reduce((a, b) => a + b) / want.length;
  const spread = Math.sqrt(want.reduce((sum, v) => sum + (v - mean) ** 2, 0) / want.length);
  const error = Math.sqrt(want.reduce((sum, v, i) => sum + (v - got[i]) ** 2, 0) / want.length);
  const scale = spread || Math.abs(mean);
  assert.ok(error < BOUND * scale, `${what}: ${error / scale} of the deviation`);
}
