/** From stain to pixels: light through the section, the lens, the camera, the file format. */
import sharp from "sharp";
import type { RgbImage } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";
import type { Canvas } from "./canvas.ts";
import type { Noise } from "./noise.ts";
import { PIXEL_SIZE, type SlidePlan } from "./plan.ts";

/** Quality of the JPEG tiles that slide scanners keep. */
const JPEG_QUALITY = 88;

/** Optical densities to light (Beer-Lambert), blurred, with camera noise, missing tiles black. */
export async function scan(
  canvas: Canvas,
  plan: SlidePlan,
  noise: Noise,
  random: Random,
): Promise<RgbImage> {
  const { height, width } = canvas;
  const seen = expose(canvas, plan, noise, random);
  blur(seen, height, width);
  addGrain(seen, random);
  const tiles = await sharp(seen, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: JPEG_QUALITY, chromaSubsampling: "4:2:0" }).toBuffer();
  const decoded = await sharp(tiles).raw().toBuffer();
  const image = { data: new Uint8Array(decoded), height, width };
  for (const box of missingTiles(plan, height, width)) {
    for (let row = box.top; row < box.bottom; row++) {
      image.data.fill(0, (row * width + box.left) * 3, (row * width + box.right) * 3);
    }
  }
  return image;
}

/** The missing tiles of an image, in pixels. */
export function missingTiles(plan: SlidePlan, height: number, width: number) {
  return plan.missing.map(([top, left, h, w]) => ({
    top: Math.round(top * height),
    left: Math.round(left * width),
    bottom: Math.min(height, Math.round((top + h) * height)),
    right: Math.min(width, Math.round((left + w) * width)),
  }));
}

function expose(canvas: Canvas, plan: SlidePlan, noise: Noise, random: Random): Uint8Array {
  const { height, width, haematoxylin, eosin } = canvas;
  const { haematoxylin: hv, eosin: ev, uptake } = plan.donor;
  const out = new Uint8Array(height * width * 3);
  const slope = [random.uniform(-0.1, 0.1), random.uniform(-0.1, 0.1)];
  const glass = [249, 248, 250];
  const ln10 = Math.LN10;
  for (let row = 0; row < height; row++) {
    const y = row * PIXEL_SIZE;
    for (let column = 0; column < width; column++) {
      const x = column * PIXEL_SIZE;
      const i = row * width + column;
      const tilt = 1 + slope[0] * (column / width - 0.5) + slope[1] * (row / height - 0.5);
      const thick = tilt * (0.9 + 0.2 * noise.at(x / 120, y / 120 + 40));
      const h = Math.max(0, haematoxylin[i]) * uptake[0] * thick;
      const e = Math.max(0, eosin[i]) * uptake[1] * thick * (2 - tilt);
      for (let c = 0; c < 3; c++) {
        out[3 * i + c] = glass[c] * Math.exp(-ln10 * (h * hv[c] + e * ev[c])) + 0.5;
      }
    }
  }
  return out;
}

/** A 3x3 blur, 1-3-1 each way, in place: the lens. */
function blur(data: Uint8Array, height: number, width: number): void {
  const stride = width * 3;
  let above = data.slice(0, stride), here = data.slice(0, stride);
  const sums = new Uint16Array(stride);
  for (let row = 0; row < height; row++) {
    const start = row * stride;
    const below = row + 1 < height ? data.subarray(start + stride, start + 2 * stride) : here;
    for (let k = 0; k < stride; k++) sums[k] = above[k] + 3 * here[k] + below[k];
    const next = below.slice();
    for (let k = 0; k < stride; k++) {
      const left = k >= 3 ? sums[k - 3] : sums[k];
      const right = k + 3 < stride ? sums[k + 3] : sums[k];
      data[start + k] = (left + 3 * sums[k] + right) / 25 + 0.5;
    }
    above = here;
    here = next;
  }
}

/** Camera noise: a little on each channel, more on all three together. */
function addGrain(data: Uint8Array, random: Random): void {
  const bell = Float32Array.from({ length: 4096 }, () => random.normal());
  let state = random.int(2 ** 31) | 1;
  for (let i = 0; i < data.length; i += 3) {
    // Marsaglia's xorshift32: three table look-ups a pixel from one cheap word.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const shared = 2.2 * bell[state & 4095];
    for (let c = 0; c < 3; c++) {
      const own = 1.3 * bell[(state >>> (7 + 6 * c)) & 4095];
      data[i + c] = Math.min(255, Math.max(0, data[i + c] + shared + own + 0.5));
    }
  }
}
