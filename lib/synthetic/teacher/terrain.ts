/** What lies round the glands: which tissue where. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { type Plate, Tissue } from "./plate.ts";

/** The layers of one field. */
export interface Terrain {
  /** Direction in which the tissue goes deeper, radians. */
  facing: number;
  /** Depth below the surface in µm; negative on glass. */
  depth(x: number, y: number): number;
  /** Height of the surface epithelium, µm; 0 where it is worn away. */
  cover: number;
  /** Lymphoid follicles: x, y, radius. */
  follicles: [number, number, number][];
}

/** Decides the tissue of every pixel. */
export function layTerrain(plate: Plate, features: Features, random: Random): Terrain {
  const { breadth, tallness, noise, pixel, width, height, tissue } = plate;
  const facing = random.uniform(-Math.PI, Math.PI);
  const cos = Math.cos(facing), sin = Math.sin(facing);
  const extent = Math.abs(cos) * breadth + Math.abs(sin) * tallness;
  const start = (cos < 0 ? cos * breadth : 0) + (sin < 0 ? sin * tallness : 0);
  const swing = random.uniform(0.02, 0.3) * extent;
  const wave = random.uniform(60, 400);
  const surface = features.glass > 0 ? features.glass * extent : -1e4;
  const bottom = features.muscle > 0 ? features.muscle * extent : 1e5;
  const muscle = random.uniform(15, 70), collagen = random.uniform(60, 400);
  const ragged = random.uniform(1, 12);
  const depth = (x: number, y: number) => {
    const along = y * cos - x * sin;
    return x * cos + y * sin - start - surface - swing * (noise.cloud(along / wave + 7, 3) - 0.5) -
      ragged * (noise.cloud(x / 23, y / 23) - 0.5);
  };
  // As high as in the crypts, which leaves those that open to the surface a lumen.
  const high = Math.min(features.epithelium * random.uniform(0.75, 1.35), 0.8 * features.radius);
  const cover = features.glass > 0 && features.carcinoma === 0 && random.next() < 0.85 ? high : 0;
  const dense = features.fibres > 0.55;
  const invasive = features.carcinoma > 0;
  const ulcer = features.ulcer > 0 ? 0.36 + 0.3 * features.ulcer : 0;
  const pool = invasive && random.next() < 0.1 ? random.uniform(0.34, 0.5) : 0;
  const follicles = follicleDiscs(plate, features, random.fork("follicles"));
  for (let row = 0, i = 0; row < height; row++) {
    const y = row * pixel;
    for (let column = 0; column < width; column++, i++) {
      const x = column * pixel;
      const d = features.glass > 0 ? depth(x, y) : 1e4;
      if (d < 0) continue;
      let kind: number = dense || invasive ? Tissue.fibrous : Tissue.lamina;
      if (d < cover) kind = Tissue.surface;
      else if (bottom < 1e5) {
        const along = y * cos - x * sin;
        const below = x * cos + y * sin - start - bottom -
          0.6 * swing * (noise.cloud(along / 210 + 31, 9) - 0.5);
        if (below > muscle + collagen) kind = Tissue.muscle;
        else if (below > muscle) {
          kind = noise.cloud(x / 120 + 55, y / 120) < 0.32 + 0.3 * features.fat && features.fat > 0
            ? Tissue.fat
            : Tissue.collagen;
        } else if (below > 0) kind = Tissue.muscle;
      }
      if (kind === Tissue.lamina || kind === Tissue.fibrous) {
        if (ulcer > 0 && noise.cloud(x / 140 + 20, y / 140 + 5) < ulcer) kind = Tissue.necrosis;
        else if (pool > 0 && noise.cloud(x / 160 + 11, y / 160 + 95) < pool) kind = Tissue.pool;
      }
      tissue[i] = kind;
    }
  }
  for (const [fx, fy, r] of follicles) paintDisc(plate, fx, fy, r, Tissue.lymphoid);
  return { facing, depth, cover, follicles };
}

function follicleDiscs(plate: Plate, features: Features, random: Random) {
  const area = plate.breadth * plate.tallness / 1e6;
  const out: [number, number, number][] = [];
  if (features.lymphoid === 0) return out;
  const count = Math.max(1, Math.round(features.lymphoid * area));
  for (let k = 0; k < count; k++) {
    out.push([
      random.uniform(0, plate.breadth),
      random.uniform(0, plate.tallness),
      random.uniform(50, 190),
    ]);
  }
  return out;
}

function paintDisc(plate: Plate, x: number, y: number, r: number, kind: number): void {
  const { pixel, width, height, tissue, noise } = plate;
  const top = Math.max(0, Math.floor((y - 1.3 * r) / pixel));
  const bottom = Math.min(height - 1, Math.ceil((y + 1.3 * r) / pixel));
  const left = Math.max(0, Math.floor((x - 1.3 * r) / pixel));
  const right = Math.min(width - 1, Math.ceil((x + 1.3 * r) / pixel));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const px = column * pixel, py = row * pixel;
      const edge = r * (0.7 + 0.6 * noise.cloud(px / 70, py / 70 + 44));
      const i = row * width + column;
      if (tissue[i] === Tissue.glass || tissue[i] === Tissue.surface) continue;
      if (Math.hypot(px - x, py - y) < edge) tissue[i] = kind;
    }
  }
}
