/** An image, wherever it lies, opened at the size that the models want. */
import {
  imageRegions,
  nonSquare,
  openRegions,
  probeImage,
  readRgb,
  type RegionSource,
  resizeRgb,
  type RgbImage,
} from "../image/mod.ts";
import { estimateStain, normalizeStain, type Stain } from "../stain/mod.ts";
import { chooseScale, type ScaleOptions, sizeConcerns } from "./scale.ts";

/** How an image is opened. */
export interface OpenOptions extends ScaleOptions {
  /** µm per pixel of the image; default: what its file says, else unknown. */
  pixelSize?: number | null;
  /** Gives the image the usual stain first (Macenko's normalization); default false. */
  normalizeStain?: boolean;
}

/** An image that can be segmented. */
export interface OpenedImage {
  /** For messages. */
  name: string;
  /** The image as the models see it: scaled, and its stain normalized where that was asked for. */
  source: RegionSource;
  /** Sides of the full image in pixels; results have them. */
  height: number;
  width: number;
  /** µm per pixel of the full image; null where it is unknown. */
  pixelSize: number | null;
  /** What is unusual about its pixel size, as sentences without a full stop. */
  concerns: string[];
  /** The factor from the full image to {@link source}. */
  scale: number;
  /** One line that says how the scale was chosen. */
  sizing: string;
  /** Whether the scale was a guess. */
  guessed: boolean;
}

/** Images up to this many pixels (after scaling) are read at once: faster than by regions. */
export const AT_ONCE = 64e6;

/** Pixels from which the stain of a slide is estimated. */
const STAIN_PIXELS = 1e6;

/**
 * Opens an image file, or an image in memory.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is no 8-bit RGB image, its pixels are no squares, or
 *   its scale is out of range
 * @throws {Error} naming the file when it cannot be decoded
 */
export async function openImage(
  image: string | RgbImage,
  options: OpenOptions = {},
): Promise<OpenedImage> {
  const name = typeof image === "string" ? image : "the image";
  const header = typeof image === "string" ? await probeImage(image) : null;
  const { height, width } = header ?? (image as RgbImage);
  const said = options.pixelSize ?? null, sizes = header?.pixelSizes ?? null;
  const pixelSize = said ?? sizes?.x ?? null, oblong = nonSquare(sizes);
  if (oblong && said === null) {
    throw new RangeError(
      `image ${name} has pixels of ${oblong}, expected square ones: resample it, or say ` +
        "--pixel-size (in tables pixel_size_um) to take them as square",
    );
  }
  const { scale, text, guessed } = chooseScale(name, pixelSize, options);
  const concerns = sizeConcerns(said, sizes, { scale, guessed });
  const full = { name, height, width, pixelSize, scale, sizing: text, guessed, concerns };
  if (typeof image !== "string" || height * width * scale ** 2 <= AT_ONCE) {
    const scaled = await scaledImage(image, { height, width }, scale);
    const shown = options.normalizeStain ? normalizeStain(scaled) : scaled;
    return { ...full, source: imageRegions(shown) };
  }
  if (scale > 1) {
    throw new RangeError(
      `${name} is too large (${height} x ${width}) to be enlarged ${scale.toFixed(2)} times: ` +
        `use a model for ${pixelSize} µm per pixel, or --scale 1`,
    );
  }
  const source = await openRegions(image, { scale });
  if (!options.normalizeStain) return { ...full, source };
  const small = Math.min(1, Math.sqrt(STAIN_PIXELS / (height * width)));
  const overview = await openRegions(image, { scale: small });
  const stain = estimateStain(await overview.read(0, 0, overview.height, overview.width));
  return { ...full, source: normalized(source, stain) };
}

async function scaledImage(
  image: string | RgbImage,
  { height, width }: { height: number; width: number },
  scale: number,
): Promise<RgbImage> {
  if (typeof image === "string" && scale <= 1) return await readRgb(image, { scale });
  const read = typeof image === "string" ? await readRgb(image) : image;
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return await resizeRgb(read, side(height), side(width));
}

/** Regions whose stain, known from the whole, is made the usual one. */
function normalized(source: RegionSource, stain: Stain | null): RegionSource {
  if (!stain) return source;
  const { height, width } = source;
  return {
    height,
    width,
    read: async (top, left, h, w) =>
      normalizeStain(await source.read(top, left, h, w), undefined, stain),
  };
}
