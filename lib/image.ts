/** Images and masks in memory, read and written through sharp. */
import { extname } from "node:path";
import sharp, { type Sharp } from "sharp";
import { exists, writeWith } from "./files.ts";
import { describedPixelSize, readTiffDirectories } from "./tiff.ts";

/** An 8-bit RGB image, row-major, interleaved: `data[(row * width + column) * 3 + channel]`. */
export interface RgbImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** A binary mask, row-major: 0 is background, 1 is crypt. */
export interface Mask {
  data: Uint8Array;
  height: number;
  width: number;
}

// libvips caches results by file name: a file that was rewritten would be read as it was before.
sharp.cache(false);

/** What {@link probeImage} learns from a file's header. */
export interface ImageHeader {
  height: number;
  width: number;
  channels: number;
  /** libvips' band format, "uchar" for 8 bit. */
  depth: string;
  hasAlpha: boolean;
  /** Whether the colours are RGB (a JPEG inside a TIFF counts, CMYK and Lab do not). */
  rgb: boolean;
  /** µm per pixel, where the file states a resolution that a microscope can have. */
  pixelSize: number | null;
  /** Sides of a slide's levels, finest first; empty where libvips does not read it with OpenSlide. */
  openSlideLevels: readonly { height: number; width: number }[];
}

/**
 * Reads the header of an image file; no pixel is decoded.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {Error} naming the file when it is no image that sharp reads
 */
export async function probeImage(path: string): Promise<ImageHeader> {
  if (!await exists(path)) throw new Deno.errors.NotFound(`no image file at ${path}`);
  const meta = await named(path, () => open(path).metadata());
  // Scanners state e.g. 50 000 pixels an inch (0.5 µm); 72 or 300 is some program's default.
  const density = meta.density && meta.density > 5000 ? 25400 / meta.density : null;
  const directories = meta.format === "tiff" ? await readTiffDirectories(path) : null;
  const pixelSize = describedPixelSize(directories?.[0].description ?? null) ?? density;
  return {
    height: meta.height,
    width: meta.width,
    channels: meta.channels,
    depth: meta.depth,
    hasAlpha: meta.hasAlpha,
    rgb: meta.channels >= 3 && (meta.space === "srgb" || meta.space === "rgb"),
    pixelSize,
    openSlideLevels: (meta.levels ?? []).map(({ height, width }) => ({ height, width })),
  };
}

/** Height and width of an image file in pixels; fails as {@link probeImage} does. */
export async function imageSize(path: string): Promise<{ height: number; width: number }> {
  const { height, width } = await probeImage(path);
  return { height, width };
}

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
  const pipeline = open(path);
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
 * Reads a mask: every pixel that is not zero in some colour channel is crypt.
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
  const header = await probeImage(path);
  const { height = header.height, width = header.width } = options;
  if (header.height !== height || header.width !== width) {
    throw new RangeError(
      `mask ${path} is ${header.height} x ${header.width} (height x width), ` +
        `its image ${height} x ${width}`,
    );
  }
  if (header.depth !== "uchar") {
    throw new RangeError(`mask ${path} must have 8 bits a pixel, found ${header.depth}`);
  }
  const pipeline = open(path);
  // sharp would triple the only channel of a grey image.
  if (header.channels === 1) pipeline.toColourspace("b-w");
  const { data, info } = await named(
    path,
    () => pipeline.raw().toBuffer({ resolveWithObject: true }),
  );
  const colours = header.hasAlpha ? info.channels - 1 : info.channels;
  const mask = new Uint8Array(height * width);
  for (let i = 0, p = 0; i < mask.length; i++, p += info.channels) {
    for (let c = 0; c < colours; c++) if (data[p + c] !== 0) mask[i] = 1;
  }
  const size = scaledSize(header, options.scale);
  return resizeMask({ data: mask, height, width }, size.height, size.width);
}

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

/**
 * Resizes a mask by nearest neighbour (of pixel centres); the mask itself when nothing changes.
 *
 * @throws {RangeError} when a side is no positive integer
 */
export function resizeMask(mask: Mask, height: number, width: number): Mask {
  checkSides(height, width);
  if (height === mask.height && width === mask.width) return mask;
  const data = new Uint8Array(height * width);
  const from = Uint32Array.from(
    { length: width },
    (_, x) => Math.floor((x + 0.5) * mask.width / width),
  );
  for (let y = 0, i = 0; y < height; y++) {
    const row = Math.floor((y + 0.5) * mask.height / height) * mask.width;
    for (let x = 0; x < width; x++) data[i++] = mask.data[row + from[x]];
  }
  return { data, height, width };
}

/**
 * A copied window of an image.
 *
 * @throws {RangeError} when the window leaves the image
 */
export function crop(
  image: RgbImage,
  top: number,
  left: number,
  height: number,
  width: number,
): RgbImage {
  return { data: copyWindow(image, 3, top, left, height, width), height, width };
}

/** A copied window of a mask; fails as {@link crop} does. */
export function cropMask(
  mask: Mask,
  top: number,
  left: number,
  height: number,
  width: number,
): Mask {
  return { data: copyWindow(mask, 1, top, left, height, width), height, width };
}

function copyWindow(
  image: RgbImage | Mask,
  channels: number,
  top: number,
  left: number,
  height: number,
  width: number,
): Uint8Array {
  checkSides(height, width);
  const inside = top >= 0 && left >= 0 && top + height <= image.height &&
    left + width <= image.width && Number.isInteger(top) && Number.isInteger(left);
  if (!inside) {
    throw new RangeError(
      `window of ${height} x ${width} at row ${top}, column ${left} leaves the image of ` +
        `${image.height} x ${image.width}`,
    );
  }
  const out = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * channels;
    out.set(image.data.subarray(start, start + width * channels), y * width * channels);
  }
  return out;
}

/** The sides after scaling, rounded, at least one pixel. */
export function scaledSize(
  size: { height: number; width: number },
  scale = 1,
): { height: number; width: number } {
  if (!(scale > 0 && scale <= 1)) throw new RangeError(`scale must be in (0, 1], got ${scale}`);
  return {
    height: Math.max(1, Math.round(size.height * scale)),
    width: Math.max(1, Math.round(size.width * scale)),
  };
}

/** Slides have more pixels than sharp's safety limit for web servers. */
function open(path: string): Sharp {
  return sharp(path, { limitInputPixels: false });
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

async function named<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Error(`cannot read image ${path}: ${(cause as Error).message}`, { cause });
  }
}

function white(mask: Mask): Uint8Array {
  const out = new Uint8Array(mask.data.length);
  for (let i = 0; i < out.length; i++) out[i] = mask.data[i] === 0 ? 0 : 255;
  return out;
}

function bytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}

function checkSides(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`sides must be positive integers, got ${height} x ${width}`);
  }
}

function checkLength(image: RgbImage | Mask, channels: number, what: string): void {
  checkSides(image.height, image.width);
  const expected = image.height * image.width * channels;
  if (image.data.length !== expected) {
    throw new RangeError(
      `${what}: ${image.height} x ${image.width} with ${channels} channels needs ${expected} ` +
        `bytes, got ${image.data.length}`,
    );
  }
}
