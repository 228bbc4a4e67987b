/** What a picture needs to be read: a scale bar in µm, a bar of the colours of a map. */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import type { RgbImage } from "../../image/mod.ts";
import { escapeXml, FONT } from "../figures/style.ts";
import { heatColour } from "./heat.ts";

/** Lengths that a scale bar may have, in µm. */
const LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];

/** The longest round length in µm that takes at most a quarter of `width` pixels. */
export function scaleBarLength(width: number, pixelSize: number): number {
  if (!(pixelSize > 0 && Number.isFinite(pixelSize))) {
    throw new RangeError(`pixelSize must be a positive number of µm, got ${pixelSize}`);
  }
  return LENGTHS.filter((length) => length / pixelSize <= width / 4).at(-1) ?? LENGTHS[0];
}

/**
 * A copy of the image with a scale bar at the bottom right, black on white.
 *
 * @param pixelSize µm per pixel of this image; null (not known): the image as it is
 * @throws {RangeError} for a pixel size that is not positive
 */
export async function withScaleBar(image: RgbImage, pixelSize: number | null): Promise<RgbImage> {
  if (pixelSize === null) return image;
  const length = scaleBarLength(image.width, pixelSize), bar = length / pixelSize;
  const font = Math.round(Math.max(11, Math.min(48, image.width / 22)));
  const text = length >= 1000 ? `${length / 1000} mm` : `${length} µm`;
  const wide = Math.max(bar, 0.62 * font * text.length) + font, tall = 2.1 * font;
  const left = image.width - wide - font / 2, top = image.height - tall - font / 2;
  const middle = left + wide / 2;
  return await drawn(
    image,
    image.width,
    `<rect x="${left}" y="${top}" width="${wide}" height="${tall}" fill="#fff" fill-opacity="0.85"/>` +
      `<rect x="${middle - bar / 2}" y="${top + 1.5 * font}" width="${bar}" height="${
        font / 4
      }"/>` +
      `<text x="${middle}" y="${
        top + 1.15 * font
      }" text-anchor="middle" font-size="${font}">${text}</text>`,
  );
}

/**
 * A copy of a heat map with the bar of its colours at the right.
 *
 * @param range values of the darkest and the brightest colour
 * @param label what the values are, with their unit
 */
export async function withColourBar(
  image: RgbImage,
  range: readonly [low: number, high: number],
  label: string,
): Promise<RgbImage> {
  const font = Math.round(Math.max(11, Math.min(40, image.height / 24)));
  const bar = Math.round(font * 1.2), x = image.width + font / 2;
  const width = Math.ceil(image.width + bar + 5 * font);
  const stops = Array.from(
    { length: 11 },
    (_, i) => `<stop offset="${i / 10}" stop-color="rgb(${heatColour(1 - i / 10).join(",")})"/>`,
  ).join("");
  const ticks = [0, 0.5, 1].map((share) => {
    const value = range[1] - share * (range[1] - range[0]);
    const y = Math.min(image.height - 2, font + share * (image.height - 1.4 * font));
    return `<text x="${x + bar + 4}" y="${y}" font-size="${font}">${
      Number(value.toFixed(2))
    }</text>`;
  }).join("");
  const [tx, ty] = [x + bar + 3.4 * font, image.height / 2];
  return await drawn(
    image,
    width,
    `<defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1">${stops}</linearGradient></defs>` +
      `<rect x="${x}" y="0" width="${bar}" height="${image.height}" fill="url(#g)"/>${ticks}` +
      `<text x="${tx}" y="${ty}" text-anchor="middle" font-size="${font}" ` +
      `transform="rotate(-90 ${tx} ${ty})">${escapeXml(label)}</text>`,
  );
}

/** The image on white of `width`, with `shapes` (SVG) above it. */
async function drawn(image: RgbImage, width: number, shapes: string): Promise<RgbImage> {
  const { height } = image;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `font-family="${FONT}">${shapes}</svg>`;
  const raw = { width: image.width, height, channels: 3 as const };
  const pixels = Buffer.from(image.data.buffer, image.data.byteOffset, image.data.byteLength);
  const { data } = await sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite([{ input: pixels, raw, left: 0, top: 0 }, {
      input: Buffer.from(svg),
      left: 0,
      top: 0,
    }])
    .removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    data: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length),
    height,
    width,
  };
}
