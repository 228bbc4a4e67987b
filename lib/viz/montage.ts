/** Pictures side by side with captions: what a notebook shows of images and patches. */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { escapeXml, FONT } from "./figures/style.ts";
import type { Mask, RgbImage } from "../image/mod.ts";

/** One picture of a {@link montage}. */
export interface MontageItem {
  image: RgbImage | Mask;
  /** Stands above the picture. */
  caption?: string;
}

/** The layout of a {@link montage}. */
export interface MontageOptions {
  /** Pictures in a row; default: all, at most 4. */
  columns?: number;
  /** Width of a picture in pixels; its height follows from its shape; default 240. */
  width?: number;
  /** JPEG quality, 1 to 100; default 80. */
  quality?: number;
}

const GAP = 10;
const CAPTION = 24;

/**
 * Lays pictures out in rows on white, each scaled to the same width.
 *
 * @returns a JPEG
 * @throws {RangeError} when there is no picture, or a setting is out of its range
 */
export async function montage(
  items: MontageItem[],
  options: MontageOptions = {},
): Promise<Uint8Array> {
  if (items.length === 0) throw new RangeError("a montage needs at least one picture, got none");
  const { columns = Math.min(4, items.length), width = 240, quality = 80 } = options;
  if (!(Number.isInteger(columns) && columns > 0)) {
    throw new RangeError(`columns must be a positive integer, got ${columns}`);
  }
  const captioned = items.some((item) => item.caption);
  const parts: { input: Buffer; left: number; top: number }[] = [];
  let top = GAP;
  for (let start = 0; start < items.length; start += columns) {
    const row = items.slice(start, start + columns);
    const heights = row.map(({ image }) => Math.round((image.height * width) / image.width));
    for (const [i, { image, caption }] of row.entries()) {
      const left = GAP + i * (width + GAP);
      if (caption) parts.push({ input: captionSvg(caption, width), left, top });
      const input = await scaled(image, width, heights[i]);
      parts.push({ input, left, top: top + (captioned ? CAPTION : 0) });
    }
    top += Math.max(...heights) + (captioned ? CAPTION : 0) + GAP;
  }
  const shown = Math.min(columns, items.length);
  const canvas = sharp({
    create: {
      width: GAP + shown * (width + GAP),
      height: top,
      channels: 3,
      background: "#ffffff",
    },
  });
  return new Uint8Array(await canvas.composite(parts).jpeg({ quality, mozjpeg: true }).toBuffer());
}

async function scaled(image: RgbImage | Mask, width: number, height: number): Promise<Buffer> {
  const pixels = image.height * image.width;
  const grey = image.data.length === pixels;
  const data = grey ? image.data.map((v) => (v ? 255 : 0)) : image.data;
  const raw = {
    width: image.width,
    height: image.height,
    channels: grey ? 1 as const : 3 as const,
  };
  // Enlarged patches keep their pixels visible; reduced images are averaged.
  const kernel = width > image.width ? "nearest" : "lanczos3";
  return await sharp(data, { raw }).resize(width, height, { kernel, fit: "fill" }).png().toBuffer();
}

function captionSvg(text: string, width: number): Buffer {
  const longest = Math.floor(width / 7.2);
  const shown = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CAPTION}">` +
      `<text x="1" y="17" font-family="${FONT}" font-size="13">${escapeXml(shown)}</text></svg>`,
  );
}
