/** 8-bit grey files whose values mean themselves, such as one value per crypt. */
import type { Mask } from "./pixels.ts";
import { probeImage } from "./probe.ts";
import { readSamples } from "./samples.ts";

/**
 * Reads what `writeLabels` wrote for up to 255 crypts, values unchanged: unlike `readLabels` it never
 * takes a single value for a mask whose components are to be told apart.
 *
 * @param size what the file must have
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is not grey with 8 bits, or has another size
 * @throws {Error} naming the file when it cannot be decoded to the end
 */
export async function readGreyValues(
  path: string,
  size: { height: number; width: number },
): Promise<Mask> {
  const header = await probeImage(path), { height, width, channels, depth } = header;
  if (channels !== 1 || depth !== "uchar") {
    throw new RangeError(
      `${path} must be grey with 8 bits per pixel, found ${channels} channels of ${depth}`,
    );
  }
  if (height !== size.height || width !== size.width) {
    throw new RangeError(
      `mask ${path} is ${height} x ${width} (height x width), ` +
        `its image ${size.height} x ${size.width}`,
    );
  }
  const { data } = await readSamples(path, header);
  return { data: data as Uint8Array, height, width };
}
