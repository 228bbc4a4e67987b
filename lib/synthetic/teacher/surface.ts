/** The surface of the mucosa, and the crypts that open to it: one sheet of epithelium. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { type Plate, Tissue } from "./plate.ts";
import type { Terrain } from "./terrain.ts";

/** A crypt that opens to the surface; lengths in µm. */
export interface Mouth {
  /** Where its axis begins, outside of the tissue. */
  x: number;
  y: number;
  radius: number;
  length: number;
  /** Direction into the depth, radians. */
  angle: number;
}

/** Less of a crypt than this, µm², is no crypt but a dent of the surface. */
const LEAST = 1500;

/** Draws crypts side by side along the surface; `features.mouths` is the share that is there. */
export function mouthsOf(
  plate: Plate,
  features: Features,
  terrain: Terrain,
  random: Random,
): Mouth[] {
  const out: Mouth[] = [];
  if (features.mouths === 0) return out;
  const { breadth, tallness } = plate, { facing, depth } = terrain;
  const cos = Math.cos(facing), sin = Math.sin(facing);
  const corners = [0, tallness * cos, -breadth * sin, tallness * cos - breadth * sin];
  const end = Math.max(...corners) + features.radius;
  const apart = random.uniform(2.1, 3.2);
  for (let along = Math.min(...corners) - features.radius; along < end;) {
    const radius = features.radius * Math.exp(random.normal(0, features.radiusSpread));
    along += apart * radius * random.uniform(0.9, 1.3) + Math.max(0, features.spacing);
    const there = random.next() < features.mouths;
    const length = radius * random.uniform(2, 9), angle = facing + random.normal(0, 0.2);
    if (!there) continue;
    // The depth grows by one µm for each µm along `facing`.
    const from = -depth(-along * sin, along * cos) - 1.5 * radius;
    const x = from * cos - along * sin, y = from * sin + along * cos;
    out.push({ x, y, radius, length: length + 1.5 * radius, angle });
  }
  return out;
}

/**
 * Makes one label of the surface's epithelium, the glass above it and the crypts that open to it.
 * In the truth these crypts end at their mouths, where pathologists end them, and the surface is
 * background.
 *
 * @param opens whether the crypt with this label opens to the surface
 * @returns the label
 */
export function joinSurface(
  plate: Plate,
  terrain: Terrain,
  opens: readonly boolean[],
  random: Random,
): number {
  const { width, height, pixel, labels, truth, tissue } = plate;
  const surface = opens.length;
  const mouth = random.uniform(-0.3, 1) * terrain.cover;
  const area = new Float64Array(surface);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const label = labels[i];
      if (opens[label]) {
        labels[i] = surface;
        if (terrain.depth(column * pixel, row * pixel) < mouth) continue;
        truth[i] = label;
        area[label] += pixel * pixel;
      } else if (label > 0) truth[i] = label;
      else if (tissue[i] === Tissue.surface || tissue[i] === Tissue.glass) labels[i] = surface;
    }
  }
  truth.forEach((label, i) => {
    if (opens[label] && area[label] < LEAST) truth[i] = 0;
  });
  return surface;
}
