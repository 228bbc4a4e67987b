/** Grey maps as proper slides: tiled, with a pyramid and their resolution, written band by band. */
import sharp, { type Sharp } from "sharp";
import { writeWith } from "../base/mod.ts";
import { checkSides } from "./pixels.ts";
import { clearResolution } from "./tiff_resolution.ts";
import { TiffStream } from "./tiff_stream.ts";

/** A map to write. */
export interface SlideLayout {
  height: number;
  width: number;
  /** µm per pixel, written as pixels per cm; null: the file says that its resolution has no unit. */
  pixelSize: number | null;
  /** Maps of more pixels do not wait in memory but in a file; default 256 million. */
  inMemory?: number;
}

/** Side of the tiles. */
const TILE = 512;

/**
 * An 8-bit grey TIFF that takes rows from top to bottom: tiled, deflated, with a pyramid of halved
 * levels (BigTIFF where it must be), as QuPath, ImageJ and OpenSlide open it. The rows wait in memory,
 * or, of large maps, in a temporary tiled TIFF, until sharp writes all levels at once. The file is
 * whole or absent.
 *
 * @example
 * ```ts
 * const path = await Deno.makeTempFile({ suffix: ".tiff" });
 * const slide = await SlideWriter.create(path, { height: 2, width: 3, pixelSize: 0.5 });
 * await slide.push(Uint8Array.from([0, 255, 0, 255, 0, 255]));
 * await slide.finish();
 * ```
 */
export class SlideWriter {
  private received = 0;

  private constructor(
    private readonly path: string,
    private readonly layout: SlideLayout,
    private readonly rows: Uint8Array | null,
    private readonly stream: TiffStream | null,
  ) {}

  /**
   * Begins a map.
   *
   * @throws {RangeError} when a side or the pixel size is not positive
   * @throws {Error} naming the path when it cannot be written
   */
  static async create(path: string, layout: SlideLayout): Promise<SlideWriter> {
    const { height, width, pixelSize, inMemory = 256e6 } = layout;
    checkSides(height, width);
    if (pixelSize !== null && !(pixelSize > 0 && pixelSize < Infinity)) {
      throw new RangeError(`${path}: pixelSize must be > 0 µm, got ${pixelSize}`);
    }
    if (height * width <= inMemory) {
      return new SlideWriter(path, layout, new Uint8Array(height * width), null);
    }
    const stream = await TiffStream.create(waiting(path), { height, width, channels: 1 });
    return new SlideWriter(path, layout, null, stream);
  }

  /**
   * Takes the next rows.
   *
   * @throws {RangeError} when they are not whole or too many
   */
  async push(rows: Uint8Array): Promise<void> {
    const { height, width } = this.layout, at = this.received * width;
    if (rows.length % width !== 0 || at + rows.length > height * width) {
      throw new RangeError(
        `${this.path}: expected whole rows of ${width} bytes, at most ` +
          `${height - this.received} more, got ${rows.length} bytes`,
      );
    }
    this.rows?.set(rows, at);
    await this.stream?.push(rows);
    this.received += rows.length / width;
  }

  /**
   * Writes the file.
   *
   * @throws {RangeError} when rows are missing
   * @throws {Error} naming the path when it cannot be written
   */
  async finish(): Promise<void> {
    const { height, width } = this.layout;
    if (this.received !== height) {
      await this.abort();
      throw new RangeError(`${this.path} needs ${height} rows, got ${this.received}`);
    }
    try {
      await this.stream?.finish();
      const image = this.rows
        ? sharp(this.rows, { raw: { height, width, channels: 1 }, limitInputPixels: false })
        : sharp(waiting(this.path), { limitInputPixels: false, sequentialRead: true });
      await writeWith(this.path, async (temporary) => {
        await asSlide(image, this.layout).toFile(temporary);
        if (this.layout.pixelSize === null) await clearResolution(temporary);
      });
    } finally {
      if (this.stream) await Deno.remove(waiting(this.path)).catch(() => {});
    }
  }

  /** Gives up; nothing is left behind. */
  async abort(): Promise<void> {
    await this.stream?.abort();
  }
}

/** Where the rows of a large map wait: swept like other leftovers if the process dies. */
function waiting(path: string): string {
  const cut = path.lastIndexOf("/") + 1;
  return `${path.slice(0, cut)}.part-${Deno.pid}-flat-${path.slice(cut)}`;
}

function asSlide(image: Sharp, { height, width, pixelSize }: SlideLayout): Sharp {
  // libvips refuses tiles that are far larger than the image.
  const side = (length: number) => Math.min(TILE, Math.ceil(length / 16) * 16);
  // sharp takes pixels per mm.
  const resolution = pixelSize === null ? {} : { xres: 1000 / pixelSize, yres: 1000 / pixelSize };
  return image.toColourspace("b-w").tiff({
    compression: "deflate",
    predictor: "none",
    tile: true,
    tileHeight: side(height),
    tileWidth: side(width),
    pyramid: true,
    bigtiff: height * width * 1.4 > 2 ** 32 - 2 ** 20,
    resolutionUnit: "cm",
    ...resolution,
  });
}
