/** Cells outside of glands: inflammatory cells, spindles, blood. */
import type { Random } from "../../base/mod.ts";
import { smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { type Plate, Spacer, Tissue } from "./plate.ts";
import {
  eosinophil,
  lymphocyte,
  pale,
  plasma,
  redCell,
  spindle,
  tumourCell,
} from "./single_cells.ts";
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
      if (where === Tissue.glass || where === Tissue.vessel) continue;
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
    if (plate.tissue[i] === Tissue.vessel) continue;
    if (noise.cloud(x / 38 + 120, y / 38 + 33) > level || !spacer.claim(x, y, 4.4)) continue;
    redCell(plate, x, y, random);
  }
}
