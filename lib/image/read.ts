/** Image files into memory, through sharp. */
import sharp, { type Sharp } from "sharp";
import { exists } from "../base/mod.ts";
import { describedPixelSize, readTiffDirectories } from "./tiff.ts";
import { type Mask, resizeMask, type RgbImage, scaledSize } from "./pixels.ts";

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

/** Slides have more pixels than sharp's safety limit for web servers. */
function open(path: string): Sharp {
  return sharp(path, { limitInputPixels: false });
}

async function named<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Error(`cannot read image ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** sharp's buffer without copying it. */
export function bytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength);
}
