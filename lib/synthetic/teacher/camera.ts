/** From stain to pixels: colours of the laboratory, lens, sensor, sharpening, compression. */
import type { RgbImage } from "../../image/mod.ts";
import type { Random } from "../../base/mod.ts";
import { smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { passJpeg } from "./jpeg.ts";
import type { Plate } from "./plate.ts";

type Planes = [Float32Array, Float32Array, Float32Array];

/** Photographs the plate. */
export function photograph(plate: Plate, features: Features, random: Random): RgbImage {
  const { height, width, pixel } = plate;
  const planes = expose(plate, features, random.fork("stain"));
  if (features.bubbles >= 1) airBubbles(planes, plate, features, random.fork("bubbles"));
  if (features.pen >= 1) penStrokes(planes, plate, random.fork("pen"));
  for (const plane of planes) gauss(plane, height, width, features.blur / pixel);
  if (features.defocus > 0) defocus(planes, plate, features, random.fork("focus"));
  if (features.sharpening > 0) sharpen(planes, height, width, features.sharpening);
  developed(planes, features, height, width);
  addNoise(planes, features.noise, random.fork("noise"));
  passJpeg(planes, height, width, Math.round(features.jpeg));
  const data = new Uint8Array(3 * height * width);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) {
      data[3 * i + c] = Math.min(255, Math.max(0, planes[c][i] + 0.5));
    }
  }
  return { data, height, width };
}

/** Optical density per unit of stain in red, green and blue. */
export function stainVectors(features: Features): { haematoxylin: number[]; eosin: number[] } {
  const { haematoxylinHue: h, eosinHue: e } = features;
  return {
    haematoxylin: [0.54 - 0.13 * h, 0.77 + 0.06 * h, 0.25 + 0.07 * h],
    eosin: [0.11 + 0.06 * e, 0.89 + 0.02 * e, 0.24 - 0.09 * e],
  };
}

function expose(plate: Plate, features: Features, random: Random): Planes {
  const { height, width, pixel, haematoxylin, eosin, noise } = plate;
  const vectors = stainVectors(features);
  const [hr, hg, hb] = vectors.haematoxylin.map((v) => v * Math.exp(random.normal(0, 0.06)));
  const [er, eg, eb] = vectors.eosin.map((v) => v * Math.exp(random.normal(0, 0.08)));
  const n = height * width;
  const [red, green, blue] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
  const hGain = 0.6 * features.haematoxylinStrength * features.thickness;
  const eGain = 1.15 * features.eosinStrength * features.thickness;
  const contrast = features.nuclearContrast;
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const x = column * pixel, y = row * pixel;
      const thick = 1 + features.unevenness * 2 * (noise.at(x / 150, y / 150 + 40) - 0.5);
      const uneven = 1 + features.unevenness * (noise.at(x / 220 + 90, y / 220) - 0.5);
      const there = Math.min(1, (haematoxylin[i] + eosin[i]) * 6);
      let h = haematoxylin[i];
      if (h > 0.3) h = 0.3 + (h - 0.3) * contrast;
      h = (h + features.overstain * there) * hGain * thick;
      const e = eosin[i] * eGain * thick * uneven;
      red[i] = TRANSMITTED[density(h * hr + e * er)];
      green[i] = TRANSMITTED[density(h * hg + e * eg)];
      blue[i] = TRANSMITTED[density(h * hb + e * eb)];
    }
  }
  return [red, green, blue];
}

/** Steps of the table per unit of optical density. */
const STEPS = 1024;

/** Light that passes an optical density of k / STEPS, of 255; powers pixel by pixel are slow. */
const TRANSMITTED = Float32Array.from(
  { length: 4 * STEPS },
  (_, k) => 255 * Math.pow(10, -k / STEPS),
);

function density(value: number): number {
  return Math.min(4 * STEPS - 1, Math.max(0, value * STEPS + 0.5)) | 0;
}

/** White point, loss of light in the corners, saturation, transfer curve; clipped to [0, 255]. */
function developed(planes: Planes, features: Features, height: number, width: number): void {
  const white = [features.whiteRed, features.whiteGreen, features.whiteBlue];
  // Powers by table: one call a pixel and channel is the slowest step otherwise.
  const curve = Float32Array.from(
    { length: 1025 },
    (_, k) => 255 * Math.pow(k / 1024, features.gamma),
  );
  const s = features.saturation;
  for (let row = 0, i = 0; row < height; row++) {
    const dy = 2 * row / height - 1;
    for (let column = 0; column < width; column++, i++) {
      const dx = 2 * column / width - 1;
      const light = 1 - features.vignette * (dx * dx + dy * dy) / 2;
      const grey = (planes[0][i] + planes[1][i] + planes[2][i]) / 3;
      for (let c = 0; c < 3; c++) {
        const v = (grey + s * (planes[c][i] - grey)) * light;
        const k = Math.min(1024, Math.max(0, v * (1024 / 255)));
        planes[c][i] = white[c] * curve[Math.round(k)];
      }
    }
  }
}

/** Gaussian blur in place, by a truncated kernel along rows and columns. */
function gauss(plane: Float32Array, height: number, width: number, sigma: number): void {
  if (sigma < 0.15) return;
  const reach = Math.max(1, Math.ceil(2.5 * sigma));
  const kernel = Float32Array.from(
    { length: reach + 1 },
    (_, k) => Math.exp(-k * k / (2 * sigma * sigma)),
  );
  const total = kernel.reduce((sum, v, k) => sum + (k ? 2 * v : v), 0);
  for (let k = 0; k <= reach; k++) kernel[k] /= total;
  const line = new Float32Array(width + 2 * reach);
  for (let row = 0; row < height; row++) {
    const start = row * width;
    line.set(plane.subarray(start, start + width), reach);
    line.fill(plane[start], 0, reach);
    line.fill(plane[start + width - 1], reach + width);
    for (let x = 0; x < width; x++) {
      let sum = kernel[0] * line[x + reach];
      for (let k = 1; k <= reach; k++) {
        sum += kernel[k] * (line[x + reach - k] + line[x + reach + k]);
      }
      plane[start + x] = sum;
    }
  }
  const source = plane.slice();
  for (let row = 0; row < height; row++) {
    const start = row * width;
    for (let x = 0; x < width; x++) plane[start + x] = kernel[0] * source[start + x];
    for (let k = 1; k <= reach; k++) {
      const up = Math.max(0, row - k) * width, down = Math.min(height - 1, row + k) * width;
      const weight = kernel[k];
      for (let x = 0; x < width; x++) {
        plane[start + x] += weight * (source[up + x] + source[down + x]);
      }
    }
  }
}

/** The whole field, or one side of it, out of focus. */
function defocus(planes: Planes, plate: Plate, features: Features, random: Random): void {
  const { height, width } = plate;
  const partly = random.next() < 0.5;
  const angle = random.uniform(0, 2 * Math.PI), cos = Math.cos(angle), sin = Math.sin(angle);
  const from = random.uniform(-0.4, 0.4);
  for (const plane of planes) {
    const soft = plane.slice();
    gauss(soft, height, width, features.defocus / plate.pixel * 0.6);
    for (let row = 0, i = 0; row < height; row++) {
      for (let column = 0; column < width; column++, i++) {
        const side = (column / width - 0.5) * cos + (row / height - 0.5) * sin;
        const share = partly ? smoothstep(from - 0.2, from + 0.2, side) : 1;
        plane[i] += share * (soft[i] - plane[i]);
      }
    }
  }
}

function sharpen(planes: Planes, height: number, width: number, gain: number): void {
  for (const plane of planes) {
    const soft = plane.slice();
    gauss(soft, height, width, 1);
    for (let i = 0; i < plane.length; i++) plane[i] += gain * (plane[i] - soft[i]);
  }
}

function airBubbles(planes: Planes, plate: Plate, features: Features, random: Random): void {
  const { height, width, pixel } = plate;
  for (let k = 0; k < Math.floor(features.bubbles); k++) {
    const r = random.uniform(25, 180) / pixel;
    const cx = random.uniform(0, width), cy = random.uniform(0, height);
    const dim = random.uniform(0.35, 0.8), inner = random.uniform(0.8, 1.05);
    for (let row = 0, i = 0; row < height; row++) {
      for (let column = 0; column < width; column++, i++) {
        const d = (r - Math.hypot(column - cx, row - cy)) * pixel;
        if (d < -4) continue;
        const rim = Math.exp(-((d / 4) ** 2));
        const light = (d > 0 ? inner : 1) * (1 - dim * rim);
        for (const plane of planes) plane[i] *= light;
      }
    }
  }
}

/** Translucent strokes in the colours of marker pens. */
function penStrokes(planes: Planes, plate: Plate, random: Random): void {
  const { height, width, pixel } = plate;
  const colours = [[0.25, 0.45, 0.9], [0.15, 0.2, 0.2], [0.2, 0.75, 0.4], [0.9, 0.25, 0.3]];
  const colour = colours[random.int(colours.length)];
  const strength = random.uniform(0.4, 1);
  const angle = random.uniform(0, Math.PI), cos = Math.cos(angle), sin = Math.sin(angle);
  const half = random.uniform(30, 120), off = random.uniform(-0.5, 0.5) * width * pixel;
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const u = (column - width / 2) * pixel, v = (row - height / 2) * pixel;
      const across = v * cos - u * sin - off + 40 * plate.noise.at((u * cos + v * sin) / 200, 9);
      const there = strength * smoothstep(0, 12, half - Math.abs(across));
      if (there <= 0) continue;
      for (let c = 0; c < 3; c++) planes[c][i] *= 1 - there * (1 - colour[c]);
    }
  }
}

function addNoise(planes: Planes, deviation: number, random: Random): void {
  const bell = Float32Array.from({ length: 4096 }, () => random.normal());
  let state = random.int(2 ** 31) | 1;
  for (let i = 0; i < planes[0].length; i++) {
    // Marsaglia's xorshift32: three table look-ups from one cheap word.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const shared = 0.85 * deviation * bell[state & 4095];
    for (let c = 0; c < 3; c++) {
      planes[c][i] += shared + 0.5 * deviation * bell[(state >>> (7 + 6 * c)) & 4095];
    }
  }
}
