/** Image files into memory, through sharp. */
import { type ImageHeader, probeImage } from "./probe.ts";
import { readMaskFile } from "./labels.ts";
import { bytes, named, openImage } from "./samples.ts";
import { type Mask, resizeMask, type RgbImage, scaledSize } from "./pixels.ts";

/**
 * Reads an 8-bit RGB image.
 *
 * @param options.scale factor on both sides, in (0, 1]; sides are rounded, Lanczos-3 filtered
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is 16-bit, grey or has an alpha channel
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readRgb(path: string, options: { scale?: number } = {}): Promise<RgbImage> {
  const header = await probeImage(path);
  checkRgb(path, header);
  const size = scaledSize(header, options.scale);
  const pipeline = openImage(path);
  if (size.height !== header.height || size.width !== header.width) {
    pipeline.resize(size.width, size.height, { fit: "fill", kernel: "lanczos3" });
  }
  const { data } = await named(path, () => pipeline.raw().toBuffer({ resolveWithObject: true }));
  return { data: bytes(data), ...size };
}

/** @throws {RangeError} naming the file when its header is not that of an 8-bit RGB image */
export function checkRgb(path: string, header: ImageHeader): void {
  const { channels, depth, hasAlpha, rgb } = header;
  if (channels === 3 && depth === "uchar" && rgb) return;
  const found = hasAlpha
    ? `an alpha channel (${channels} channels)`
    : depth !== "uchar"
    ? `${depth} pixels`
    : channels < 3
    ? "a grey image"
    : `${channels} channels of another colour space`;
  throw new RangeError(`${path} must be an 8-bit RGB image without alpha, found ${found}`);
}

/**
 * Reads a mask: every pixel that is not zero in some colour channel is crypt, whatever its label.
 *
 * @param options.scale factor on both sides, in (0, 1], nearest neighbour
 * @param options.height the height that the file must have (before scaling)
 * @param options.width the width that the file must have (before scaling)
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and both sizes when they differ, or pixels of another depth
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readMask(
  path: string,
  options: { scale?: number; height?: number; width?: number } = {},
): Promise<Mask> {
  const { mask } = await readMaskFile(path, options);
  const size = scaledSize(mask, options.scale);
  return resizeMask(mask, size.height, size.width);
}
