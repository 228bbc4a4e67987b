/** Cells outside of glands: inflammatory cells, spindles, vessels, the surface's epithelium. */
import type { Random } from "../../base/mod.ts";
import { smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { type Plate, Spacer, Tissue } from "./plate.ts";
import type { Terrain } from "./terrain.ts";

/** Scatters the cells of the stroma, dense in follicles, and tumour cells where the sample has them. */
export function paintStromaCells(
  plate: Plate,
  features: Features,
  terrain: Terrain,
  random: Random,
): void {
  const { noise } = plate;
  const spacer = new Spacer(12);
  const step = 3;
  const round = 0.25 + 0.6 * random.next() * (1 - 0.5 * features.fibres);
  const flow = terrain.facing + Math.PI / 2 + random.normal(0, 0.4);
  const dark = random.uniform(0.75, 1.1);
  const crowd = random.uniform(5, 8.5);
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      const x = gx + step * random.next(), y = gy + step * random.next();
      const chance = random.next(), kind = random.next();
      const i = plate.at(x, y);
      if (i < 0 || plate.labels[i] !== 0 || plate.distance[i] < 1.6) continue;
      const where = plate.tissue[i];
      if (where === Tissue.glass || where === Tissue.vessel || where === Tissue.surface) continue;
      const angle = flow + 3 * (noise.at(x / 110 + 50, y / 110) - 0.5) + random.normal(0, 0.3);
      if (where === Tissue.lymphoid) {
        if (spacer.claim(x, y, 4.4)) lymphocyte(plate, x, y, dark, random);
        continue;
      }
      if (where === Tissue.muscle || where === Tissue.collagen) {
        const odds = where === Tissue.muscle ? 0.13 : 0.05;
        if (chance < odds && spacer.claim(x, y, 6)) {
          if (kind < 0.85) spindle(plate, x, y, angle, dark, random);
          else lymphocyte(plate, x, y, dark, random);
        }
        continue;
      }
      if (where === Tissue.fat || where === Tissue.pool) continue;
      if (where === Tissue.necrosis) {
        if (chance < 0.1 && spacer.claim(x, y, 5)) lymphocyte(plate, x, y, dark, random);
        continue;
      }
      const density = smoothstep(0.3, 0.65, noise.cloud(x / 60, y / 60));
      if (chance > features.cellularity * (0.15 + 0.85 * density)) continue;
      if (!spacer.claim(x, y, crowd)) continue;
      if (kind < round) {
        if (random.next() < features.plasma) plasma(plate, x, y, dark, random);
        else lymphocyte(plate, x, y, dark, random);
      } else if (kind < round + 0.1) pale(plate, x, y, random);
      else if (kind < 0.97) spindle(plate, x, y, angle, dark, random);
      else eosinophil(plate, x, y, random);
      if (features.singleCells > 0 && features.carcinoma > 0) {
        tumourCell(plate, features, x, y, random);
      }
    }
  }
  paintBlood(plate, features, random.fork("blood"));
}

function lymphocyte(plate: Plate, x: number, y: number, dark: number, random: Random): void {
  const r = random.uniform(2.2, 3.3);
  plate.ellipse(x, y, r * random.uniform(1, 1.3), r, random.uniform(0, Math.PI), {
    haematoxylin: dark * random.uniform(0.6, 1.15),
    eosin: random.uniform(0.1, 0.3),
    grain: 0.35,
    cover: 0.93,
    softness: 0.7,
    wobble: 0.3,
  });
}

function plasma(plate: Plate, x: number, y: number, dark: number, random: Random): void {
  const angle = random.uniform(0, 2 * Math.PI), r = random.uniform(3.6, 5.4);
  plate.ellipse(x, y, r * 1.15, r * 0.9, angle, {
    haematoxylin: random.uniform(0.12, 0.26),
    eosin: random.uniform(0.2, 0.42),
    cover: 0.75,
    softness: 1.2,
    wobble: 0.3,
  });
  lymphocyte(plate, x + 1.6 * Math.cos(angle), y + 1.6 * Math.sin(angle), dark, random);
}

function pale(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(3.2, 5), random.uniform(2.2, 3.2), random.uniform(0, 3.1), {
    haematoxylin: random.uniform(0.25, 0.42),
    eosin: 0.16,
    rim: 0.8,
    grain: 0.5,
    cover: 0.9,
    softness: 0.7,
    wobble: 0.35,
  });
}

function spindle(
  plate: Plate,
  x: number,
  y: number,
  angle: number,
  dark: number,
  random: Random,
): void {
  plate.ellipse(x, y, random.uniform(4, 8), random.uniform(1, 1.9), angle, {
    haematoxylin: dark * random.uniform(0.4, 0.85),
    eosin: 0.2,
    grain: 0.3,
    cover: 0.85,
    softness: 0.7,
    wobble: 0.4,
  });
}

function eosinophil(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(3.8, 5), random.uniform(3.2, 4.2), random.uniform(0, 3.1), {
    haematoxylin: 0.06,
    eosin: random.uniform(0.6, 0.95),
    grain: 0.35,
    cover: 0.85,
    softness: 1,
    wobble: 0.35,
  });
  lymphocyte(plate, x + 1, y, 0.8, random);
}

function tumourCell(
  plate: Plate,
  features: Features,
  x: number,
  y: number,
  random: Random,
): void {
  if (random.next() > 0.25 * features.singleCells) return;
  const [dx, dy] = [random.normal(0, 4), random.normal(0, 4)];
  const r = random.uniform(5, 8);
  const cell = { cover: 0.8, softness: 1.2, wobble: 0.4 };
  plate.ellipse(x + dx, y + dy, r * 1.2, r, random.uniform(0, 3.1), {
    haematoxylin: 0.16,
    eosin: random.uniform(0.2, 0.4),
    ...cell,
  });
  plate.ellipse(x + dx, y + dy, r * 0.65, r * 0.5, random.uniform(0, 3.1), {
    haematoxylin: random.uniform(0.4, 0.9),
    eosin: 0.2,
    rim: 0.2 + features.vesicular,
    ...cell,
  });
}

/** Red cells, single and in small lakes. */
function paintBlood(plate: Plate, features: Features, random: Random): void {
  if (features.blood === 0) return;
  const { noise } = plate;
  const spacer = new Spacer(6);
  const level = 0.2 + 0.16 * features.blood;
  const tries = Math.round(plate.breadth * plate.tallness / 14);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, plate.breadth), y = random.uniform(0, plate.tallness);
    const i = plate.at(x, y);
    if (plate.labels[i] !== 0 || plate.tissue[i] === Tissue.glass) continue;
    if (plate.tissue[i] === Tissue.surface || plate.tissue[i] === Tissue.vessel) continue;
    if (noise.cloud(x / 38 + 120, y / 38 + 33) > level || !spacer.claim(x, y, 4.4)) continue;
    redCell(plate, x, y, random);
  }
}

function redCell(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(2.2, 3.4), random.uniform(1.9, 2.8), random.uniform(0, 3.1), {
    haematoxylin: 0.02,
    eosin: random.uniform(0.55, 0.95),
    cover: 0.9,
    softness: 0.8,
  });
}

/** Capillaries, veins and arteries where no gland is. */
export function paintVessels(plate: Plate, features: Features, random: Random): void {
  const count = Math.round(features.vessels * plate.breadth * plate.tallness / 1e6);
  for (let n = 0; n < count; n++) {
    const own = random.fork(n);
    const size = own.next();
    const r = 6 + 44 * size ** 3;
    for (let attempt = 0; attempt < 12; attempt++) {
      const x = own.uniform(0, plate.breadth), y = own.uniform(0, plate.tallness);
      const i = plate.at(x, y);
      if (plate.labels[i] !== 0 || plate.distance[i] < 1.25 * r + 4) continue;
      if (plate.tissue[i] === Tissue.glass || plate.tissue[i] === Tissue.surface) continue;
      vessel(plate, x, y, r, own);
      break;
    }
  }
}

function vessel(plate: Plate, x: number, y: number, r: number, random: Random): void {
  const angle = random.uniform(0, Math.PI), flat = random.uniform(0.45, 1);
  const artery = r > 14 && random.next() < 0.4;
  const wall = artery ? 0.45 * r : Math.min(3, 0.25 * r);
  const form = { cover: 1, softness: 1.2, wobble: 0.25 };
  plate.ellipse(x, y, r, r * flat, angle, { haematoxylin: 0.1, eosin: 0.32, grain: 0.4, ...form });
  const [a, b] = [r - wall, r * flat - wall];
  if (b < 1.5) return;
  plate.ellipse(x, y, a, b, angle, { haematoxylin: 0, eosin: 0.01, ...form });
  if (random.next() < 0.6) {
    const spacer = new Spacer(6);
    const tries = Math.round(a * b * random.uniform(0.1, 1));
    for (let k = 0; k < tries; k++) {
      const phi = random.uniform(0, 2 * Math.PI), s = Math.sqrt(random.next()) * 0.95;
      const u = a * s * Math.cos(phi), v = b * s * Math.sin(phi);
      const px = x + u * Math.cos(angle) - v * Math.sin(angle);
      const py = y + u * Math.sin(angle) + v * Math.cos(angle);
      if (spacer.claim(px, py, 3.8)) redCell(plate, px, py, random);
    }
  }
  const steps = Math.max(4, Math.round(r * 0.8));
  for (let k = 0; k < steps; k++) {
    const phi = 2 * Math.PI * (k + random.next()) / steps;
    const depth = artery ? random.uniform(0.62, 0.98) : 0.97;
    const u = r * depth * Math.cos(phi), v = r * flat * depth * Math.sin(phi);
    const px = x + u * Math.cos(angle) - v * Math.sin(angle);
    const py = y + u * Math.sin(angle) + v * Math.cos(angle);
    spindle(plate, px, py, angle + phi + Math.PI / 2, 0.9, random);
  }
}

/** The columnar epithelium of the mucosa's surface: of the same cells as crypts, and no gland. */
export function paintSurface(
  plate: Plate,
  features: Features,
  terrain: Terrain,
  random: Random,
): void {
  const { cover } = terrain;
  if (cover === 0) return;
  const spacer = new Spacer(10);
  const cos = Math.cos(terrain.facing), sin = Math.sin(terrain.facing);
  const goblets = features.goblets * random.uniform(0, 1);
  const step = 2.2;
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      let x = gx + step * random.next(), y = gy + step * random.next();
      const chance = random.next();
      const i = plate.at(x, y);
      if (i < 0 || plate.tissue[i] !== Tissue.surface || plate.labels[i] !== 0) continue;
      const depth = terrain.depth(x, y);
      if (chance < 0.3 * goblets && depth < 0.6 * cover && spacer.claim(x, y, 8)) {
        plate.ellipse(x, y, 6, 4, terrain.facing, {
          haematoxylin: 0.02 + 0.12 * features.mucin,
          eosin: 0.04,
          cover: 0.9,
          softness: 1.2,
          wobble: 0.3,
        });
        continue;
      }
      if (depth < cover - 11) continue;
      const wanted = cover - 5 + random.normal(0, 1);
      x += (wanted - depth) * cos;
      y += (wanted - depth) * sin;
      if (!spacer.claim(x, y, 3.8)) continue;
      plate.ellipse(x, y, random.uniform(3, 4.2), random.uniform(1.7, 2.4), terrain.facing, {
        haematoxylin: random.uniform(0.5, 0.95),
        eosin: 0.2,
        rim: 0.3,
        grain: 0.3,
        cover: 0.9,
        softness: 0.8,
        wobble: 0.3,
      });
    }
  }
}
