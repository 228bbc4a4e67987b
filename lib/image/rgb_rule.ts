/** What counts as an RGB image, and how its samples become 8-bit RGB: the rules of docs/data.md. */
import { notice } from "../base/mod.ts";
import { type ImageHeader, samePages } from "./probe.ts";
import { decode, named, type SampleType } from "./samples.ts";

/**
 * @throws {RangeError} naming the file when its header is not that of an RGB or grey image of 8 or 16
 *   bits
 */
export function checkRgb(path: string, header: ImageHeader): void {
  const { channels, depth, rgb, grey, bits } = header, planes = samePages(header);
  const found = depth !== "uchar" && depth !== "ushort"
    ? `${depth} pixels`
    : bits === 1
    ? "one bit a pixel: is it a mask?"
    : grey && planes > 1
    ? `${planes} grey pages of the same size: are they channels, or focal planes?`
    : !grey && !rgb || channels > 4
    ? `${channels} channels of another colour space`
    : null;
  if (found === null) {
    if (planes > 1) notice(`image ${path} has ${planes} pages of the same size: the first is read`);
    return;
  }
  throw new RangeError(
    `${path} must be an RGB image (or a grey one, which is read as RGB) of 8 or 16 bits, found ${found}`,
  );
}

/** The brightest sample that a 12-bit camera gives. */
const TWELVE_BITS = 4095;

/**
 * Decodes a 16-bit image once to see that its samples fill 16 bits; others pass.
 *
 * @throws {RangeError} naming the file when its samples have 12 bits or fewer: their range is unknown
 */
export async function checkSixteenBits(path: string, header: ImageHeader): Promise<void> {
  if (header.depth !== "ushort") return;
  const { channels } = await named(
    path,
    () => decode(path, (image) => image.stats()),
  );
  const brightest = Math.max(...channels.map(({ max }) => max));
  if (brightest > TWELVE_BITS) return;
  throw new RangeError(
    `${path} has 16-bit samples, but none over ${brightest}: scale them to 0..65535 or 0..255, ` +
      "since their white is not known",
  );
}

/**
 * Samples as 8-bit RGB: grey is repeated, 16 bits are divided by 257 and rounded, alpha is dropped.
 *
 * @param data interleaved
 * @throws {RangeError} naming the file when a pixel is not opaque
 */
export function toRgb(
  path: string,
  data: SampleType,
  channels: number,
  hasAlpha: boolean,
): Uint8Array {
  if (channels === 3 && data instanceof Uint8Array) return data;
  const colours = hasAlpha ? channels - 1 : channels, pixels = data.length / channels;
  const opaque = data instanceof Uint16Array ? 65535 : 255, out = new Uint8Array(pixels * 3);
  for (let i = 0, p = 0, o = 0; i < pixels; i++, p += channels, o += 3) {
    if (hasAlpha && data[p + colours] !== opaque) {
      throw new RangeError(
        `${path} has transparent pixels, expected none: flatten it on the background you mean`,
      );
    }
    for (let c = 0; c < 3; c++) {
      const value = data[p + (colours === 1 ? 0 : c)];
      // 257 = 65535 / 255
      out[o + c] = opaque === 255 ? value : (value + 128) / 257;
    }
  }
  return out;
}
