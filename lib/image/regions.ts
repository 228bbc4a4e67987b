/** Windows of images that are too big for memory: tiled and pyramidal TIFF, OME-TIFF, SVS. */
import type { Sharp, SharpOptions } from "sharp";
import { type ImageHeader, probeImage } from "./probe.ts";
import { checkRgb, checkSixteenBits, toRgb } from "./rgb_rule.ts";
import { decode as decodeFile, decodingError, samplesOf } from "./samples.ts";
import { crop, type RgbImage, scaledSize } from "./pixels.ts";
import type { TiffDirectory } from "./tiff.ts";

/** One resolution of an image. */
export interface PyramidLevel {
  height: number;
  width: number;
}

/** Settings of {@link openRegions}. */
export interface OpenRegionsOptions {
  /** Factor on both sides, in (0, 1]; default 1. */
  scale?: number;
  /** Most bytes of pixels kept of a file that cannot be entered at any place; default 256 MiB. */
  cacheBytes?: number;
}

/** A level, and how libvips finds it. */
interface Level extends PyramidLevel {
  /** Whether a window can be decoded without the rows above it. */
  tiled: boolean;
  input: SharpOptions;
}

/** Pixels of the result that the Lanczos-3 filter needs beyond a window, and one more. */
const MARGIN = 4;

/**
 * Opens an image for reading windows. Only headers are read.
 *
 * Tiled TIFFs are decoded where a window lies; where the image is scaled down, from the smallest
 * level of the pyramid that is large enough (pages or SubIFDs, or OpenSlide's levels where libvips
 * was built with it). Other files must be decoded from the top, so a band of rows is kept: read those
 * from top to bottom.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when `readRgb` refuses it, or for a scale out of range
 * @throws {Error} naming the file when it is no image that sharp reads
 */
export async function openRegions(
  path: string,
  options: OpenRegionsOptions = {},
): Promise<RegionReader> {
  const header = await probeImage(path);
  checkRgb(path, header);
  await checkSixteenBits(path, header);
  const { height, width, tiff } = header;
  const levels: Level[] = header.openSlideLevels.length > 0
    ? header.openSlideLevels.map((size, level) => ({
      ...size,
      tiled: true,
      input: { openSlide: { level } },
    }))
    : tiff
    ? pyramid(tiff)
    : [{ height, width, tiled: false, input: {} }];
  return new RegionReader(path, header, levels, options.scale, options.cacheBytes);
}

/** An open image; see {@link openRegions}. Nothing needs to be closed. */
export class RegionReader {
  /** Sides at the chosen scale: those that `readRgb` gives. */
  readonly height: number;
  readonly width: number;
  /** Sides of the full image. */
  readonly fullHeight: number;
  readonly fullWidth: number;
  /** Sides of the level that is read. */
  readonly levelHeight: number;
  readonly levelWidth: number;
  /** All resolutions in the file, finest first. */
  readonly levels: readonly PyramidLevel[];
  /** µm a pixel of the full image, where the file says so. */
  readonly pixelSize: number | null;
  private readonly level: Level;
  /** Rows that are kept of a file without tiles. */
  private band: { top: number; image: RgbImage } | null = null;

  /** @internal use {@link openRegions} */
  constructor(
    readonly path: string,
    private readonly header: ImageHeader,
    levels: readonly Level[],
    scale?: number,
    private readonly cacheBytes = 2 ** 28,
  ) {
    ({ height: this.height, width: this.width } = scaledSize(header, scale));
    this.levels = levels.map(({ height, width }) => ({ height, width }));
    // Sides are rounded down at each level and to the nearest in `height`: a pixel less is enough.
    this.level = levels.filter(({ height, width }) =>
      height >= this.height - 1 && width >= this.width - 1
    ).at(-1)!;
    this.fullHeight = header.height;
    this.fullWidth = header.width;
    this.levelHeight = this.level.height;
    this.levelWidth = this.level.width;
    this.pixelSize = header.pixelSize;
  }

  /**
   * Reads a window, in pixels of the chosen scale. Windows that are scaled by a whole number (from
   * the level that is read) fit together seamlessly, others to within half a pixel of that level.
   *
   * @throws {RangeError} when the window leaves the image
   * @throws {Error} naming the file when its pixels are damaged
   */
  async read(top: number, left: number, height: number, width: number): Promise<RgbImage> {
    const sides = [top, left, height, width];
    const inside = sides.every(Number.isInteger) && top >= 0 && left >= 0 && height > 0 &&
      width > 0 && top + height <= this.height && left + width <= this.width;
    if (!inside) {
      throw new RangeError(
        `window of ${height} x ${width} at row ${top}, column ${left} leaves ${this.path} of ` +
          `${this.height} x ${this.width}`,
      );
    }
    if (this.level.tiled) return await this.decode(top, left, height, width);
    let { band } = this;
    if (!band || top < band.top || top + height > band.top + band.image.height) {
      const most = Math.max(height, Math.floor(this.cacheBytes / (this.width * 3)));
      const begin = most >= this.height ? 0 : top;
      const rows = Math.min(most, this.height - begin);
      // frees the old rows before the new ones are made
      this.band = band = null;
      this.band = band = { top: begin, image: await this.decode(begin, 0, rows, this.width) };
    }
    return crop(band.image, top - band.top, left, height, width);
  }

  private async decode(top: number, left: number, height: number, width: number) {
    const { level, header, path } = this;
    const rows = widen(top, height, this.height, level.height);
    const columns = widen(left, width, this.width, level.width);
    const pipeline = (image: Sharp) => {
      image.extract({
        top: rows.source,
        left: columns.source,
        height: rows.sourceLength,
        width: columns.sourceLength,
      });
      if (level.height !== this.height || level.width !== this.width) {
        image.resize(columns.length, rows.length, { fit: "fill", kernel: "lanczos3" })
          .extract({ top: rows.inset, left: columns.inset, height, width });
      }
      return samplesOf(image, header);
    };
    let samples;
    try {
      samples = await decodeFile(path, pipeline, level.input);
    } catch (cause) {
      throw new Error(
        `cannot read rows ${top} to ${top + height} of ${path}: ${decodingError(cause)}`,
        { cause },
      );
    }
    return { data: toRgb(path, samples.data, samples.channels, header.hasAlpha), height, width };
  }
}

/** A span with what the filter needs around it, in the result and in the level. */
function widen(start: number, length: number, side: number, levelSide: number) {
  if (side === levelSide) {
    return { source: start, sourceLength: length, length, inset: 0 };
  }
  const factor = levelSide / side;
  // libvips first averages blocks of half the factor: these must lie the same in every window.
  const grid = Math.max(1, Math.floor(factor / 2));
  const from = Math.max(0, Math.floor((start - MARGIN) / grid) * grid);
  const to = Math.min(side, Math.ceil((start + length + MARGIN) / grid) * grid);
  const source = Math.round(from * factor);
  const end = Math.min(levelSide, Math.round(to * factor));
  return { source, sourceLength: end - source, length: to - from, inset: start - from };
}

/** The first image and what is a smaller copy of it, finest first. */
function pyramid(directories: readonly TiffDirectory[]): Level[] {
  const [full] = directories;
  return directories.flatMap((d): Level[] => {
    const [y, x] = [full.height / d.height, full.width / d.width];
    // A scanner's thumbnail and photograph of the label are not tiled, or of another shape; focal
    // planes and channels are of the same size.
    const smaller = d.tiled && x > 1.5 && Math.abs(y / x - 1) < 0.02;
    if (d !== full && !smaller) return [];
    const { height, width, tiled, page, subifd } = d;
    return [{ height, width, tiled, input: { page, ...(subifd < 0 ? {} : { tiff: { subifd } }) } }];
  }).sort((a, b) => b.width - a.width);
}
