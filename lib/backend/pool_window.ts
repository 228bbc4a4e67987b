/** Average pooling where its window leaves the image: the mean is over the pixels that are there. */
import * as tf from "@tensorflow/tfjs-core";

/**
 * For every output position the window's area divided by the pixels of the image in it, [1,h,w,1]: the
 * factor by which a kernel that divides by the whole area is put right, forward and back.
 */
export function windowShare(info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const rows = inside(
    info.outHeight,
    info.strideHeight,
    info.effectiveFilterHeight,
    info.padInfo.top,
    info.inHeight,
  );
  const columns = inside(
    info.outWidth,
    info.strideWidth,
    info.effectiveFilterWidth,
    info.padInfo.left,
    info.inWidth,
  );
  const area = info.effectiveFilterHeight * info.effectiveFilterWidth;
  const shares = rows.flatMap((h) => columns.map((w) => area / (h * w)));
  return tf.tensor4d(shares, [1, rows.length, columns.length, 1]);
}

/** How many pixels of a side of length `size` each window covers. */
function inside(windows: number, stride: number, window: number, pad: number, size: number) {
  return Array.from({ length: windows }, (_, i) => {
    const begin = i * stride - pad;
    return Math.min(size, begin + window) - Math.max(0, begin);
  });
}
