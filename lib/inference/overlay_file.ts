/** One picture per image: the image, small enough to look at, with the crypts' outlines on it. */
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { maskToPolygons } from "../annotation/mod.ts";
import { writeWith } from "../base/mod.ts";
import type { Crypt } from "../crypts/mod.ts";
import { openRegions, readRgb, type RgbImage } from "../image/mod.ts";

/** The longer side of the picture in pixels. */
const SIDE = 2048;

/** Prediction, and truth: two colours that colour-blind readers tell apart (Okabe and Ito). */
const PREDICTION = "#0072b2", TRUTH = "#e69f00";

/**
 * Writes a JPEG of at most 2048 px a side: predicted crypts in blue, true crypts dashed in orange.
 *
 * @param path of the JPEG
 * @param truth null where there is none
 * @throws {Error} naming the file that cannot be read or written
 */
export async function writeOverlay(
  path: string,
  imagePath: string,
  size: { height: number; width: number },
  predicted: readonly Crypt[],
  truth: readonly Crypt[] | null,
): Promise<void> {
  const scale = Math.min(1, SIDE / Math.max(size.height, size.width));
  const { data, height, width } = await overview(imagePath, size, scale);
  const stroke = Math.max(2, Math.round(Math.max(height, width) / 500));
  const lines = outlines(predicted, size, scale), dashed = outlines(truth ?? [], size, scale);
  const path2 = (d: string, colour: string, w: number, more = "") =>
    `<path d="${d}" stroke="${colour}" stroke-width="${w}" ${more}/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<g fill="none" stroke-linejoin="round">` +
    // White under the colours, so that they show on dark nuclei and on pale stroma.
    path2(lines + dashed, "#ffffff", stroke + 2, 'stroke-opacity="0.7"') +
    path2(lines, PREDICTION, stroke) +
    path2(dashed, TRUTH, stroke, `stroke-dasharray="${3 * stroke} ${2 * stroke}"`) +
    `</g></svg>`;
  const picture = sharp(data, { raw: { height, width, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 88 });
  await writeWith(path, (temporary) => picture.toFile(temporary));
}

async function overview(
  path: string,
  { height, width }: { height: number; width: number },
  scale: number,
): Promise<RgbImage> {
  if (height * width <= 64e6) return await readRgb(path, { scale });
  const regions = await openRegions(path, { scale });
  return await regions.read(0, 0, regions.height, regions.width);
}

/**
 * The outlines as SVG path data, points nearer than a pixel of the picture left out, and what runs along
 * the image's border too: nobody knows where a crypt ends that is cut there.
 */
function outlines(
  crypts: readonly Crypt[],
  size: { height: number; width: number },
  scale: number,
): string {
  const parts: string[] = [];
  for (const { mask, height, width, top, left } of crypts) {
    for (const { rings } of maskToPolygons({ data: mask, height, width }, { top, left })) {
      for (const ring of rings) parts.push(ringPath(ring, size, scale));
    }
  }
  return parts.join("");
}

function ringPath(
  ring: readonly (readonly number[])[],
  { height, width }: { height: number; width: number },
  scale: number,
): string {
  const path: string[] = [];
  let [lastX, lastY] = [-Infinity, -Infinity];
  for (const [i, [px, py]] of [...ring, ring[0]].entries()) {
    const [qx, qy] = ring[i - 1] ?? [NaN, NaN];
    const border = (px === qx && (px === 0 || px === width)) ||
      (py === qy && (py === 0 || py === height));
    const x = px * scale, y = py * scale;
    const near = Math.abs(x - lastX) < 1 && Math.abs(y - lastY) < 1;
    if (near && !border && i < ring.length) continue;
    path.push(`${i === 0 || border ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`);
    [lastX, lastY] = [x, y];
  }
  return path.length > 2 ? path.join("") : "";
}
