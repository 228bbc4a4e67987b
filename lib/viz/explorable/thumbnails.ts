/** Small pictures for the explorable figure: every tile with its outline, every image as a whole. */
import sharp from "sharp";
import { drawContours } from "../../annotation/mod.ts";
import { TRUTH_COLOUR } from "../overlays/overlays.ts";
import { ensureMask, type ImageRecord } from "../../dataset/mod.ts";
import type { TileLabel } from "../../embedding/mod.ts";
import { cropMask, readRgb, resizeMask, resizeRgb, type RgbImage } from "../../image/mod.ts";
import { cutTile } from "../../stitching/mod.ts";

/** One image that tiles come from. */
export interface SlideOverview {
  id: string;
  split: "train" | "test";
  /** Sides in pixels of the scaled image, in which tiles have their rows and columns. */
  height: number;
  width: number;
  /** A data URI. */
  picture: string;
}

/** What {@link tilePictures} makes. */
export interface TilePictures {
  /** All tiles in one picture, row by row, as a data URI. */
  sheet: string;
  /** Tiles in a row of the sheet. */
  columns: number;
  /** Side of a tile in the sheet, in pixels. */
  size: number;
  /** Side of a tile in pixels of the scaled image. */
  tile: number;
  slides: SlideOverview[];
}

/** Settings of {@link tilePictures}. */
export interface TilePictureOptions {
  /** As given to `computeFeatures`. */
  tile: number;
  /** As given to `computeFeatures`; default 1. */
  scale?: number;
  /** Side of a thumbnail in pixels; default 128. */
  size?: number;
  /** Hears the images done and their number. */
  onProgress?: (done: number, total: number) => void;
}

const SHEET_COLUMNS = 32;

/**
 * Thumbnails of all tiles with the outline of their crypts, and an overview of every image; images
 * are read one at a time. WebP keeps 600 tiles within about 2 MB.
 *
 * @param records must hold every image that `labels` name
 * @throws {RangeError} naming an image of a tile that is not among the records
 */
export async function tilePictures(
  records: readonly ImageRecord[],
  labels: readonly TileLabel[],
  options: TilePictureOptions,
): Promise<TilePictures> {
  const { tile, scale = 1, size = 128 } = options;
  const known = new Map(records.map((r) => [`${r.split}/${r.id}`, r]));
  const groups = Map.groupBy(labels.keys(), (i) => `${labels[i].split}/${labels[i].image}`);
  const rows = Math.ceil(labels.length / SHEET_COLUMNS);
  const columns = Math.min(SHEET_COLUMNS, labels.length);
  const sheet: RgbImage = {
    data: new Uint8Array(rows * size * columns * size * 3).fill(255),
    height: rows * size,
    width: columns * size,
  };
  const slides: SlideOverview[] = [];
  for (const [key, which] of groups) {
    const record = known.get(key);
    if (!record) throw new RangeError(`tiles are of image ${key}, which is not among the records`);
    const image = await readRgb(record.imagePath, { scale });
    const mask = resizeMask(await ensureMask(record), image.height, image.width);
    for (const i of which) {
      const { row, column } = labels[i];
      const cut = { data: cutTile(image, { row, column }, tile), height: tile, width: tile };
      const small = await resizeRgb(cut, size, size);
      // The outline is drawn on the thumbnail, where its width in pixels is what one sees.
      const crypt = new Uint8Array(tile * tile);
      const [height, width] = [
        Math.min(tile, image.height - row),
        Math.min(tile, image.width - column),
      ];
      const inside = cropMask(mask, row, column, height, width);
      for (let y = 0; y < height; y++) {
        crypt.set(inside.data.subarray(y * width, (y + 1) * width), y * tile);
      }
      const outline = resizeMask({ data: crypt, height: tile, width: tile }, size, size);
      place(sheet, drawContours(small, outline, TRUTH_COLOUR, { width: 1 }), i, columns);
    }
    slides.push({
      id: record.id,
      split: record.split,
      height: image.height,
      width: image.width,
      picture: await webp(await overview(image)),
    });
    options.onProgress?.(slides.length, groups.size);
  }
  return { sheet: await webp(sheet), columns, size, tile, slides };
}

function place(sheet: RgbImage, picture: RgbImage, index: number, columns: number): void {
  const top = Math.floor(index / columns) * picture.height, left = index % columns * picture.width;
  for (let y = 0; y < picture.height; y++) {
    sheet.data.set(
      picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3),
      ((top + y) * sheet.width + left) * 3,
    );
  }
}

/** The image with its longer side at most 240 pixels. */
async function overview(image: RgbImage): Promise<RgbImage> {
  const factor = Math.min(1, 240 / Math.max(image.height, image.width));
  const side = (length: number) => Math.max(1, Math.round(length * factor));
  return await resizeRgb(image, side(image.height), side(image.width));
}

async function webp({ data, height, width }: RgbImage): Promise<string> {
  const bytes = await sharp(data, { raw: { height, width, channels: 3 } })
    .webp({ quality: 70 }).toBuffer();
  return `data:image/webp;base64,${bytes.toString("base64")}`;
}
