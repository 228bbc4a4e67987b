/** Tiled TIFF files written from top to bottom, so that no more than a row of tiles is in memory. */
import { dirname } from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { encodeDirectory, encodeHeader, type Tag } from "./tiff_tags.ts";

const compress = promisify(deflate);

/** What is written. */
export interface TiffLayout {
  height: number;
  width: number;
  /** 1 for grey (masks, maps, labels), 3 for RGB. */
  channels: 1 | 3;
  /** Bits per sample; default 8. Rows of 16 bits are little-endian bytes. */
  bits?: 8 | 16;
  /** µm per pixel, written as the file's resolution; null or absent: none is written. */
  pixelSize?: number | null;
  /** Side of the tiles, a multiple of 16; default 512. */
  tile?: number;
}

/** Pixels per cm are written as a fraction with this denominator. */
const FRACTION = 1000;

/**
 * A tiled, deflated TIFF of 8 or 16 bits (BigTIFF where its pixels exceed 4 GiB) that takes rows from top to
 * bottom. The file is whole or absent: it has a temporary name until {@link finish}.
 */
export class TiffStream {
  /** Sides of a tile: small images have small ones, since libvips refuses tiles that are far larger. */
  private readonly tileHeight: number;
  private readonly tileWidth: number;
  private readonly across: number;
  /** Bytes per row of the image. */
  private readonly line: number;
  private readonly rows: Uint8Array;
  private filled = 0;
  private received = 0;
  private offset = 0;
  private readonly offsets: number[] = [];
  private readonly lengths: number[] = [];
  private readonly big: boolean;
  private open = true;

  private constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly file: Deno.FsFile,
    private readonly layout: TiffLayout,
  ) {
    const { height, width, tile = 512 } = layout;
    this.line = width * bytesPerPixel(layout);
    this.tileHeight = Math.min(tile, Math.ceil(height / 16) * 16);
    this.tileWidth = Math.min(tile, Math.ceil(width / 16) * 16);
    this.across = Math.ceil(width / this.tileWidth);
    this.rows = new Uint8Array(this.tileHeight * this.line);
    // Deflate may lengthen what cannot be compressed.
    this.big = height * this.line * 1.01 > 2 ** 32 - 2 ** 20;
  }

  /**
   * Begins a file; missing folders are made.
   *
   * @throws {RangeError} when a side or the tile does not fit
   * @throws {Error} naming the path when it cannot be written
   */
  static async create(path: string, layout: TiffLayout): Promise<TiffStream> {
    const { height, width, tile = 512 } = layout;
    for (const [name, value] of Object.entries({ height, width })) {
      if (!(Number.isInteger(value) && value > 0)) {
        throw new RangeError(`${path}: ${name} must be a positive integer, got ${value}`);
      }
    }
    if (!(tile > 0 && tile % 16 === 0)) {
      throw new RangeError(`${path}: tile must be a positive multiple of 16, got ${tile}`);
    }
    const cut = path.lastIndexOf("/") + 1;
    const temporary = `${path.slice(0, cut)}.part-${Deno.pid}-${path.slice(cut)}`;
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      const file = await Deno.open(temporary, { write: true, create: true, truncate: true });
      const stream = new TiffStream(path, temporary, file, layout);
      // The header is written again when the directory's place is known.
      await stream.write(new Uint8Array(16)).catch(async (error) => {
        await stream.abort();
        throw error;
      });
      return stream;
    } catch (cause) {
      const { message } = cause as Error;
      throw new Error(message.includes(path) ? message : `cannot write ${path}: ${message}`, {
        cause,
      });
    }
  }

  /**
   * Takes the next rows, interleaved.
   *
   * @throws {RangeError} when they are not whole or too many
   */
  async push(rows: Uint8Array): Promise<void> {
    const { line } = this, count = rows.length / line;
    if (!Number.isInteger(count) || this.received + count > this.layout.height) {
      throw new RangeError(
        `${this.path}: expected whole rows of ${line} bytes, at most ` +
          `${this.layout.height - this.received} more, got ${rows.length} bytes`,
      );
    }
    for (let row = 0; row < count;) {
      const take = Math.min(count - row, this.tileHeight - this.filled);
      this.rows.set(rows.subarray(row * line, (row + take) * line), this.filled * line);
      row += take;
      this.filled += take;
      this.received += take;
      if (this.filled === this.tileHeight) await this.flush();
    }
  }

  /**
   * Writes what is left and gives the file its name.
   *
   * @throws {RangeError} when rows are missing; the file is removed
   */
  async finish(): Promise<void> {
    const { height, width, channels, bits = 8, pixelSize = null } = this.layout;
    if (this.received !== height) {
      await this.abort();
      throw new RangeError(`${this.path} needs ${height} rows, got ${this.received}`);
    }
    if (this.filled > 0) await this.flush();
    const wide = this.big ? 16 : 4;
    const tags: Tag[] = [
      [256, 4, [width]],
      [257, 4, [height]],
      [258, 3, Array(channels).fill(bits)],
      [259, 3, [8]],
      [262, 3, [channels === 3 ? 2 : 1]],
      [277, 3, [channels]],
      ...resolutionTags(pixelSize, [282, 283]),
      [284, 3, [1]],
      ...(pixelSize === null ? [] : [[296, 3, [CENTIMETRE]] satisfies Tag]),
      [322, 4, [this.tileWidth]],
      [323, 4, [this.tileHeight]],
      [324, wide, this.offsets],
      [325, wide, this.lengths],
    ];
    if (this.offset % 2 === 1) await this.write(new Uint8Array(1));
    const directory = this.offset;
    await this.write(encodeDirectory(tags, directory, this.big));
    await this.file.seek(0, Deno.SeekMode.Start);
    await this.write(encodeHeader(directory, this.big));
    await this.file.syncData();
    this.open = false;
    this.file.close();
    await Deno.rename(this.temporary, this.path);
  }

  /** Gives up and removes the file, unless it is finished. */
  async abort(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    this.file.close();
    await Deno.remove(this.temporary).catch(() => {});
  }

  private async flush(): Promise<void> {
    const { line } = this, tileLine = this.tileWidth * bytesPerPixel(this.layout);
    const tiles = await Promise.all(Array.from({ length: this.across }, (_, t) => {
      const out = new Uint8Array(this.tileHeight * tileLine);
      const from = t * tileLine, to = Math.min(line, from + tileLine);
      for (let y = 0; y < this.filled; y++) {
        out.set(this.rows.subarray(y * line + from, y * line + to), y * tileLine);
      }
      return compress(out, { level: 3 });
    }));
    for (const bytes of tiles) {
      this.offsets.push(this.offset);
      this.lengths.push(bytes.length);
      await this.write(bytes);
    }
    this.filled = 0;
  }

  private async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.file.write(bytes.subarray(at));
    } catch (cause) {
      throw new Error(`cannot write ${this.path}: ${(cause as Error).message}`, { cause });
    }
    this.offset += bytes.length;
  }
}

function bytesPerPixel({ channels, bits = 8 }: TiffLayout): number {
  return channels * bits / 8;
}

/** TIFF's number for a resolution in pixels per cm. */
const CENTIMETRE = 3;

function resolutionTags(pixelSize: number | null, tags: number[]): Tag[] {
  if (pixelSize === null) return [];
  return tags.map((tag) => [tag, 5, [Math.round(1e4 / pixelSize * FRACTION), FRACTION]]);
}
