/** What the header of an image file says, without its pixels. */
import sharp from "sharp";
import { exists } from "../base/mod.ts";
import { named, openImage } from "./samples.ts";
import { describedPixelSize, readTiffDirectories } from "./tiff.ts";

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
  const meta = await named(path, () => openImage(path).metadata());
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
