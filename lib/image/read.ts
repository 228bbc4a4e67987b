/** Image files into memory, through sharp. */
import { probeImage } from "./probe.ts";
import { checkRgb, checkSixteenBits, toRgb } from "./rgb_rule.ts";
import { type ExpectedSize, readMaskFile } from "./labels.ts";
import { decode, named, samplesOf } from "./samples.ts";
import { type Mask, resizeMask, type RgbImage, scaledSize } from "./pixels.ts";

/**
 * Reads an image as 8-bit RGB: the samples that the file stores, whatever its colour profile. Grey is
 * repeated, 16 bits are divided by 257, opaque alpha is dropped.
 *
 * @param options.scale factor on both sides, in (0, 1]; sides are rounded, Lanczos-3 filtered
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is transparent, of another depth or colour space, or
 *   stored in a way that is not decoded here
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readRgb(path: string, options: { scale?: number } = {}): Promise<RgbImage> {
  const header = await probeImage(path);
  checkRgb(path, header);
  const size = scaledSize(header, options.scale);
  await checkSixteenBits(path, header);
  const scaled = size.height !== header.height || size.width !== header.width;
  const { data, channels } = await named(path, () =>
    decode(path, (image) => {
      if (scaled) image.resize(size.width, size.height, { fit: "fill", kernel: "lanczos3" });
      return samplesOf(image, header);
    }));
  return { data: toRgb(path, data, channels, header.hasAlpha), ...size };
}

/**
 * Reads a mask as crypt or not, by the rule of docs/data.md: what is not 0, whatever its label.
 *
 * @param options.scale factor on both sides, in (0, 1], nearest neighbour
 * @param options.height the height that the file must have (before scaling)
 * @param options.width the width that the file must have (before scaling)
 * @param options.patch the mask is of a patch: no notice where it is all background or all crypt
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and both sizes when they differ, or when it cannot be
 *   decided what is crypt
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readMask(
  path: string,
  options: { scale?: number } & ExpectedSize = {},
): Promise<Mask> {
  const { mask } = await readMaskFile(path, options);
  const size = scaledSize(mask, options.scale);
  return resizeMask(mask, size.height, size.width);
}
