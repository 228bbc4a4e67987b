/** Images and masks encoded and resized, through sharp. */
import { extname } from "node:path";
import sharp, { type Sharp } from "sharp";
import { writeWith } from "../base/mod.ts";
import { checkLength, checkSides, type LabelMask, type Mask, type RgbImage } from "./pixels.ts";
import { bytes } from "./samples.ts";

/**
 * Writes an image in the format of the file's extension: TIFF and PNG lossless, JPEG for looking at.
 * The file is whole or absent; missing folders are made.
 *
 * @param options.quality of a JPEG, 1 to 100; default 92
 * @throws {RangeError} for another extension or data that do not fit the size
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeRgb(
  path: string,
  image: RgbImage,
  options: { quality?: number } = {},
): Promise<void> {
  checkLength(image, 3, path);
  await encodeTo(path, raw(image.data, image, 3), options.quality);
}

/**
 * Writes a mask as grey 0/255 (TIFF or PNG), the way the data set holds its masks.
 *
 * @throws as {@link writeRgb} does; a JPEG is refused, since it would blur the outline
 */
export async function writeMask(path: string, mask: Mask): Promise<void> {
  checkLength(mask, 1, path);
  if (/\.jpe?g$/i.test(path)) {
    throw new RangeError(`mask ${path} must be .tiff or .png: JPEG is lossy`);
  }
  await encodeTo(path, raw(white(mask), mask, 1).toColourspace("b-w"));
}

/**
 * Writes labels as a grey TIFF, deflated: 8 bits where no label exceeds 254 (255 is void to other
 * programs), 16 bits otherwise. The file is whole or absent; `readLabels` gives the labels back.
 *
 * @throws {RangeError} when the path does not end in .tiff or .tif, or the data do not fit the size
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeLabels(path: string, labels: LabelMask): Promise<void> {
  checkLength(labels, 1, path);
  if (!/\.tiff?$/i.test(path)) throw new RangeError(`labels ${path} must end in .tiff or .tif`);
  const { data, height, width } = labels;
  const wide = data.some((value) => value > 254);
  const image = sharp(wide ? data : Uint8Array.from(data), {
    raw: { height, width, channels: 1 },
    limitInputPixels: false,
  }).toColourspace(wide ? "grey16" : "b-w").tiff({ compression: "deflate", predictor: "none" });
  await writeWith(path, (temporary) => image.toFile(temporary));
}

/** The image, or the mask in white on black, as the bytes of a PNG file. */
export async function encodePng(image: RgbImage | Mask): Promise<Uint8Array> {
  const channels = image.data.length === image.height * image.width ? 1 : 3;
  checkLength(image, channels, "PNG");
  const data = channels === 1 ? white(image) : image.data;
  return bytes(await raw(data, image, channels).png().toBuffer());
}

/**
 * Resizes an image with a Lanczos-3 filter (area-weighted where it shrinks).
 *
 * @throws {RangeError} when a side is no positive integer
 */
export async function resizeRgb(
  image: RgbImage,
  height: number,
  width: number,
): Promise<RgbImage> {
  checkSides(height, width);
  checkLength(image, 3, "image");
  if (height === image.height && width === image.width) return image;
  const data = await raw(image.data, image, 3)
    .resize(width, height, { fit: "fill", kernel: "lanczos3" }).raw().toBuffer();
  return { data: bytes(data), height, width };
}

function raw(data: Uint8Array, size: { height: number; width: number }, channels: 1 | 3) {
  return sharp(data, {
    raw: { height: size.height, width: size.width, channels },
    limitInputPixels: false,
  });
}

async function encodeTo(path: string, image: Sharp, quality = 92): Promise<void> {
  switch (extname(path).toLowerCase()) {
    case ".tif":
    case ".tiff":
      image.tiff({ compression: "lzw", predictor: "horizontal" });
      break;
    case ".png":
      image.png();
      break;
    case ".jpg":
    case ".jpeg":
      image.jpeg({ quality, chromaSubsampling: "4:4:4" });
      break;
    default:
      throw new RangeError(`${path} must end in .tiff, .tif, .png, .jpg or .jpeg`);
  }
  await writeWith(path, (temporary) => image.toFile(temporary));
}

function white(mask: Mask): Uint8Array {
  const out = new Uint8Array(mask.data.length);
  for (let i = 0; i < out.length; i++) out[i] = mask.data[i] === 0 ? 0 : 255;
  return out;
}
