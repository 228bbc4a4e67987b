/** From 8-bit pixels to what the encoders expect: divided by 255, ImageNet mean and deviation. */

/** Mean of each channel in [0, 1] (RGB); torchvision and segmentation_models_pytorch. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
/** Standard deviation of each channel in [0, 1] (RGB). */
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

const TABLES = IMAGENET_MEAN.map((mean, c) =>
  Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean) / IMAGENET_STD[c])
);

/**
 * Normalizes interleaved RGB bytes into `out` (same order, so NHWC stays NHWC).
 *
 * @param rgb bytes, length a multiple of 3
 * @param out receives the floats from `offset` on; made when absent
 * @throws {RangeError} when the length is no multiple of 3 or `out` is too short
 */
export function normalizeRgb(
  rgb: Uint8Array,
  out: Float32Array<ArrayBuffer> = new Float32Array(rgb.length),
  offset = 0,
): Float32Array<ArrayBuffer> {
  if (rgb.length % 3 !== 0) {
    throw new RangeError(`RGB bytes must come in threes, got ${rgb.length} bytes`);
  }
  if (out.length < offset + rgb.length) {
    throw new RangeError(`output holds ${out.length} values, needs ${offset + rgb.length}`);
  }
  const [r, g, b] = TABLES;
  for (let i = 0; i < rgb.length; i += 3) {
    out[offset + i] = r[rgb[i]];
    out[offset + i + 1] = g[rgb[i + 1]];
    out[offset + i + 2] = b[rgb[i + 2]];
  }
  return out;
}
