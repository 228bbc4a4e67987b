/** Images of the same height side by side, each under its title. */
import { Buffer } from "node:buffer";
import sharp, { type OverlayOptions } from "sharp";
import { escapeXml, FONT } from "../figures/style.ts";
import type { RgbImage } from "../../image/mod.ts";

/** One image of {@link panels} and its title. */
export interface TitledPanel {
  image: RgbImage;
  title: string;
}

/**
 * Puts images side by side on white, each under its title; nothing is scaled.
 *
 * @throws {RangeError} when there is no image
 */
export async function panels(items: readonly TitledPanel[]): Promise<RgbImage> {
  if (items.length === 0) throw new RangeError("panels need at least one image, got none");
  const tall = Math.max(...items.map((p) => p.image.height));
  // Lettering follows the images, so that it can be read when the whole is shown smaller.
  const font = Math.round(Math.min(48, Math.max(15, tall / 28)));
  const head = Math.round(font * 1.9), gap = Math.round(font * 0.7);
  const width = items.reduce((sum, p) => sum + p.image.width + gap, gap);
  const height = head + tall + gap;
  const parts: OverlayOptions[] = [];
  let left = gap;
  for (const { image, title } of items) {
    parts.push({
      input: Buffer.from(image.data.buffer, image.data.byteOffset, image.data.byteLength),
      raw: { width: image.width, height: image.height, channels: 3 },
      left,
      top: head,
    });
    const longest = Math.floor(image.width / (font * 0.58));
    const text = title.length > longest ? `${title.slice(0, Math.max(1, longest - 1))}…` : title;
    parts.push({
      input: Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="${image.width}" height="${head}">` +
          `<text x="${image.width / 2}" y="${font * 1.3}" text-anchor="middle" ` +
          `font-family="${FONT}" font-size="${font}">${escapeXml(text)}</text></svg>`,
      ),
      left,
      top: 0,
    });
    left += image.width + gap;
  }
  const canvas = sharp({ create: { width, height, channels: 3, background: "#ffffff" } });
  const { data } = await canvas.composite(parts).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  return {
    data: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.length),
    height,
    width,
  };
}
