/** What the header of an image file says, without its pixels. */
import sharp, { type Metadata } from "sharp";
import { notice, refuseSpecial } from "../base/mod.ts";
import { decode, named } from "./samples.ts";
import { densityRatio } from "./densities.ts";
import { densityPixelSize, implausible, type PixelSizes, pixelSizesOf } from "./pixel_size.ts";
import { readTiffDirectories, type TiffDirectory } from "./tiff.ts";
import { tiffObstacle } from "./tiff_obstacles.ts";

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
  /** The same across (which {@link pixelSize} is) and down. */
  pixelSizes: PixelSizes | null;
  /** Sides of a slide's levels, finest first; empty where libvips does not read it with OpenSlide. */
  openSlideLevels: readonly { height: number; width: number }[];
  /** "tiff", "png" or "jpeg". */
  format: string;
  /** Whether values are indices into a table of colours. */
  palette: boolean;
  /** Bits of a sample in the file; 8 where the format does not say. */
  bits: number;
  /** Whether there is one channel of brightness, and perhaps alpha. */
  grey: boolean;
  /** The TIFF's directories; null for other formats. */
  tiff: readonly TiffDirectory[] | null;
}

/** What sharp may open: other formats hold no pixels, or several pictures. */
const FORMATS = ["tiff", "png", "jpeg"];

/** Decoded bytes that a byte of a file can stand for at most, by format or TIFF compression. */
const MOST_EXPANSION: Record<string, number> = { "5": 3000, "50001": 20000 };
/** Sizes that are read whatever the file's length. */
const HARMLESS_BYTES = 2 ** 28;

/**
 * Reads the header of an image file; no pixel is decoded.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is a pipe or folder, claims more pixels than its bytes
 *   can hold, or stores them in a way that cannot be read here
 * @throws {Error} naming the file when it is no image that sharp reads, or cut off
 */
export async function probeImage(path: string): Promise<ImageHeader> {
  const bytes = await fileLength(path);
  const tiff = await readTiffDirectories(path);
  if (!tiff) await checkSignature(path);
  const meta = await named(path, () => decode(path, (image) => image.metadata()));
  const openSlideLevels = (meta.levels ?? []).map(({ height, width }) => ({ height, width }));
  if (!FORMATS.includes(meta.format) && openSlideLevels.length === 0) {
    throw new RangeError(`${path} is a ${meta.format} file, expected TIFF, PNG or JPEG`);
  }
  const first = tiff?.[0] ?? null;
  const obstacle = first && openSlideLevels.length === 0 ? tiffObstacle(first) : null;
  if (obstacle) throw new RangeError(`${path} ${obstacle}`);
  checkExpansion(path, bytes, meta, first);
  const pixelSizes = await statedPixelSizes(path, meta, first);
  return {
    height: meta.height,
    width: meta.width,
    channels: meta.channels,
    depth: meta.depth,
    hasAlpha: meta.hasAlpha,
    rgb: meta.channels >= 3 && ["srgb", "rgb", "rgb16"].includes(meta.space),
    pixelSize: pixelSizes?.x ?? null,
    pixelSizes,
    openSlideLevels,
    format: meta.format,
    palette: first ? first.photometric === 3 : meta.isPalette ?? false,
    bits: meta.bitsPerSample ?? 8,
    grey: meta.channels <= 2 && (meta.space === "b-w" || meta.space === "grey16"),
    tiff,
  };
}

/** Pages as large as the first one: channels, focal planes or a stack, never levels of a pyramid. */
export function samePages({ height, width, tiff }: ImageHeader): number {
  const same = tiff?.filter((d) => d.subifd < 0 && d.height === height && d.width === width);
  return same?.length ?? 1;
}

/** Height and width of an image file in pixels; fails as {@link probeImage} does. */
export async function imageSize(path: string): Promise<{ height: number; width: number }> {
  const { height, width } = await probeImage(path);
  return { height, width };
}

async function fileLength(path: string): Promise<number> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      throw new Deno.errors.NotFound(`no image file at ${path}`);
    }
    throw new Error(`cannot read image ${path}: ${(cause as Error).message}`, { cause });
  }
  refuseSpecial(path, `image ${path}`);
  if (info.size === 0) throw new RangeError(`cannot read image ${path}: the file is empty`);
  return info.size;
}

/** @throws {RangeError} for a format that sharp's build calls unsupported without its name */
async function checkSignature(path: string): Promise<void> {
  using file = await Deno.open(path);
  const head = new Uint8Array(12);
  await file.read(head);
  const view = new DataView(head.buffer);
  const jpeg2000 = view.getUint32(0) === 0xff4fff51 ||
    (view.getUint32(0) === 12 && view.getUint32(4) === 0x6a502020);
  if (!jpeg2000) return;
  throw new RangeError(
    `${path} is a JPEG 2000 file, which is not read here: convert it to TIFF, PNG or JPEG`,
  );
}

function checkExpansion(
  path: string,
  bytes: number,
  meta: Metadata,
  first: TiffDirectory | null,
): void {
  const key = first ? `${first.compression}` : meta.format;
  const most = Math.max(HARMLESS_BYTES, bytes * (MOST_EXPANSION[key] ?? 1100));
  if (meta.height * meta.width * meta.channels <= most) return;
  throw new RangeError(
    `${path} claims ${meta.height} x ${meta.width} pixels, more than its ${bytes} bytes can hold`,
  );
}

async function statedPixelSizes(
  path: string,
  meta: Metadata,
  first: TiffDirectory | null,
): Promise<PixelSizes | null> {
  const sizes = first ? pixelSizesOf(first) : await sizesOfDensity(path, meta);
  const odd = sizes === null ? null : implausible(sizes.x);
  if (odd) notice(`image ${path} says ${odd}: is that its pixel size?`);
  return sizes;
}

async function sizesOfDensity(path: string, { density }: Metadata): Promise<PixelSizes | null> {
  const x = density ? densityPixelSize(density) : null;
  return x === null ? null : { x, y: x * await densityRatio(path) };
}
