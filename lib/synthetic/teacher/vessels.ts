/** Vessels of the stroma. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { type Plate, Spacer, Tissue } from "./plate.ts";
import { redCell, spindle } from "./single_cells.ts";

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
      if (plate.tissue[i] === Tissue.glass) continue;
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
