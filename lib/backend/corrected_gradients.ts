/**
 * Gradients that TensorFlow.js 4.22 computes wrongly, on cpu as on wasm, put right. Nearest-neighbour
 * resizing: its own kernel reads every sample but the first at a wrong place. Average pooling: its own
 * kernel divides by the whole window also where that leaves the image, unlike the forward pass.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { backend_util } from "@tensorflow/tfjs-core";

type Size4 = [number, number, number, number];

/** Adds each value of `dy` [B,h,w,C] to the pixel of `dx` [B,H,W,C] that it was copied from. */
export function nearestGradient(
  dy: Float32Array,
  dyShape: readonly number[],
  dx: Float32Array,
  dxShape: readonly number[],
  options: tf.ResizeNearestNeighborGradAttrs & { halfPixelCenters?: boolean },
): void {
  const [batch, height, width, channels] = dxShape as Size4;
  const rows = sources(dyShape[1], height, options);
  const columns = sources(dyShape[2], width, options);
  let at = 0;
  for (let b = 0; b < batch; b++) {
    for (const y of rows) {
      for (const x of columns) {
        const to = ((b * height + y) * width + x) * channels;
        for (let c = 0; c < channels; c++) dx[to + c] += dy[at++];
      }
    }
  }
}

/** For each of `size` output positions, the input position it is copied from. */
function sources(
  size: number,
  inputSize: number,
  { alignCorners, halfPixelCenters }: { alignCorners: boolean; halfPixelCenters?: boolean },
): Int32Array {
  const aligned = alignCorners && size > 1;
  const scale = aligned ? (inputSize - 1) / (size - 1) : inputSize / size;
  return Int32Array.from({ length: size }, (_, i) => {
    const at = scale * (halfPixelCenters ? i + 0.5 : i);
    return Math.max(0, Math.min(inputSize - 1, alignCorners ? Math.round(at) : Math.floor(at)));
  });
}

/** Shares each value of `dy` among the pixels of `dx`, zeros before, that its window averaged. */
export function averagePoolGradient(
  dy: Float32Array,
  dx: Float32Array,
  info: tf.backend_util.Conv2DInfo,
): void {
  const { inHeight, inWidth, inChannels, padInfo } = info;
  let at = 0;
  for (let b = 0; b < info.batchSize; b++) {
    for (let oy = 0; oy < info.outHeight; oy++) {
      const top = oy * info.strideHeight - padInfo.top;
      const [y0, y1] = [Math.max(0, top), Math.min(inHeight, top + info.filterHeight)];
      for (let ox = 0; ox < info.outWidth; ox++, at += inChannels) {
        const left = ox * info.strideWidth - padInfo.left;
        const [x0, x1] = [Math.max(0, left), Math.min(inWidth, left + info.filterWidth)];
        const share = 1 / ((y1 - y0) * (x1 - x0));
        for (let y = y0; y < y1; y++) {
          for (let x = x0; x < x1; x++) {
            const to = ((b * inHeight + y) * inWidth + x) * inChannels;
            for (let c = 0; c < inChannels; c++) dx[to + c] += dy[at + c] * share;
          }
        }
      }
    }
  }
}

/** The geometry of a pooling gradient's attributes. */
export function poolInfo(
  shape: readonly number[],
  attrs: tf.AvgPoolGradAttrs | tf.MaxPoolGradAttrs,
): tf.backend_util.Conv2DInfo {
  const rounding = "dimRoundingMode" in attrs ? attrs.dimRoundingMode : undefined;
  return backend_util.computePool2DInfo(
    shape as Size4,
    attrs.filterSize,
    attrs.strides,
    1,
    attrs.pad,
    rounding,
  );
}
