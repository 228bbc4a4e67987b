/** 8-bit grey files whose values mean themselves, such as one value per crypt, or a probability. */
import sharp from "sharp";
import { writeWith } from "../base/mod.ts";
import { checkLength, type Mask } from "./pixels.ts";
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

/**
 * Writes values as they are, as a grey PNG. The file is whole or absent; missing folders are made.
 *
 * @throws {RangeError} when the path does not end in .png, or the data do not fit the size
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeGreyValues(path: string, values: Mask): Promise<void> {
  checkLength(values, 1, path);
  if (!/\.png$/i.test(path)) throw new RangeError(`grey values ${path} must end in .png`);
  const { data, height, width } = values;
  const image = sharp(data, { raw: { height, width, channels: 1 }, limitInputPixels: false })
    .toColourspace("b-w").png();
  await writeWith(path, (temporary) => image.toFile(temporary));
}
