/** The filter gradient of the convolution (kernels/conv_filter.c). */
import type * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { address, callKernel, sumSlices, threads, withScratch } from "./kernels.ts";
import { winogradFilterGradient, winogradPays } from "./winograd.ts";

/** Output channels of a packed block, as `COLUMNS` in the C files. */
export const COLUMNS = 8;
/** Output pixels in flight at once: what they need stays in the first two cache levels. */
export const PIXELS = 256;
/** Input channels of a packed block, as `ROWS` in kernels/conv_filter.c. */
const ROWS = 4;

/** `dw` [kh, kw, in, out] of a convolution without dilation, for any stride and padding. */
export function convFilterGradient(
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  info: tf.backend_util.Conv2DInfo,
  backend: BackendWasm,
): tf.TensorInfo {
  const { filterHeight, filterWidth, inChannels, outChannels, padInfo } = info;
  const dw = backend.makeOutput([filterHeight, filterWidth, inChannels, outChannels], "float32");
  const kernel = [filterHeight, filterWidth];
  const convolution = {
    batch: info.batchSize,
    height: info.inHeight,
    width: info.inWidth,
    channels: inChannels,
    outHeight: info.outHeight,
    outWidth: info.outWidth,
    outChannels,
    pad: [padInfo.top, padInfo.left] as [number, number],
  };
  if (winogradPays(kernel, [info.strideHeight, info.strideWidth], convolution, "filter")) {
    winogradFilterGradient(backend, x, dy, convolution, dw);
    return dw;
  }
  const images = [address(backend, x), address(backend, dy)];
  const pixels = info.batchSize * info.outHeight * info.outWidth;
  const flat = filterHeight * filterWidth * info.strideHeight * info.strideWidth === 1 &&
    padInfo.top + padInfo.bottom + padInfo.left + padInfo.right === 0;
  if (flat && inChannels % 4 === 0 && outChannels % 4 === 0) {
    pointwiseFilterGradient(backend, images, pixels, inChannels, outChannels, dw);
    return dw;
  }
  // Without a neighbourhood each pixel is a row of its own.
  const [inHeight, inWidth, outHeight, outWidth, batch] = flat
    ? [pixels, 1, pixels, 1, 1]
    : [info.inHeight, info.inWidth, info.outHeight, info.outWidth, info.batchSize];
  const group = Math.min(outHeight, Math.max(1, Math.floor(PIXELS / outWidth)));
  const rows = (group - 1) * info.strideHeight + filterHeight;
  const columns = (outWidth - 1) * info.strideWidth + filterWidth;
  const packed = Math.ceil(inChannels / ROWS) * ROWS * rows * columns +
    Math.ceil(outChannels / COLUMNS) * COLUMNS * group * outWidth;
  sumSlices(backend, dw, (parts, size) =>
    withScratch(backend, threads() * packed, (scratch) => {
      const args = [
        ...[...images, parts, scratch, inHeight, inWidth, inChannels],
        ...[outHeight, outWidth, outChannels, filterHeight, filterWidth],
        ...[info.strideHeight, info.strideWidth, padInfo.top, padInfo.left, group],
      ];
      const steps = args.map((_, i) => i === 2 ? size : i === 3 ? 4 * packed : 0);
      callKernel({ kernel: "conv_filter_gradient", args, steps, work: batch * outHeight });
    }, false));
  return dw;
}

/** Of 1 x 1 taps on every pixel: a product of matrices. */
function pointwiseFilterGradient(
  backend: BackendWasm,
  images: number[],
  pixels: number,
  inChannels: number,
  outChannels: number,
  dw: tf.TensorInfo,
): void {
  const slices = Math.min(threads(), pixels);
  const add = (parts: number, size: number) =>
    callKernel({
      kernel: "pointwise_filter_gradient",
      args: [...images, parts, inChannels, outChannels],
      steps: [0, 0, size, 0, 0],
      work: pixels,
      slices,
    });
  sumSlices(backend, dw, add, slices, false);
}
