/** Where glands lie: normal and distorted crypts, adenoma, carcinoma. Nothing is painted here. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { growthOf } from "./growth.ts";
import { Placer } from "./placement.ts";
import { type Plate, Tissue } from "./plate.ts";
import { joinSurface, mouthsOf } from "./surface.ts";
import type { Terrain } from "./terrain.ts";
import {
  fillPinholes,
  layRegions,
  layShapes,
  type OutlineOptions,
  separatePieces,
} from "./shapes.ts";

/**
 * Draws the outlines of all glands into the plate's labels and truth and measures the distances.
 *
 * @returns the label of the surface and what opens to it; 0 where there is none
 */
export function layGlands(
  plate: Plate,
  features: Features,
  terrain: Terrain,
  random: Random,
): number {
  const growth = growthOf(features);
  const invasive = growth === "carcinoma";
  const { facing, cover } = terrain;
  const { width, pixel } = plate;
  // Stroma lies between the surface and the crypts that do not open to it.
  const wall = cover + random.fork("wall").uniform(3, 18);
  const allowed = (i: number, open = false) => {
    const t = plate.tissue[i];
    if (open && (t === Tissue.surface || t === Tissue.glass)) return true;
    if (!open && cover > 0) {
      const row = Math.floor(i / width);
      if (terrain.depth((i - row * width) * pixel, row * pixel) < wall) return false;
    }
    return t === Tissue.lamina || t === Tissue.fibrous ||
      (invasive && (t === Tissue.collagen || t === Tissue.muscle));
  };
  const rough = features.roughness;
  const options: OutlineOptions = {
    stray: invasive ? [6 + 16 * rough, 1 + 5 * rough] : [1 + 9 * rough, 1.6 * rough],
    gap: Math.max(0, Math.min(6, features.spacing * 0.5)),
    allowed,
  };
  let surface = 0;
  if (invasive && random.fork("network").next() < features.fusion * 0.8) {
    layRegions(plate, network(plate, facing, random.fork("field")), options);
    fillPinholes(plate, 2500);
    separatePieces(plate, 900, false);
  } else {
    const under = (x: number, y: number, r: number) =>
      cover === 0 || terrain.depth(x, y) > wall + r;
    const place = new Placer(plate, features, facing, random.fork("place"), { allowed, under });
    if (cover > 0) {
      for (const mouth of mouthsOf(plate, features, terrain, random.fork("mouths"))) {
        place.open(mouth);
      }
    }
    const shapes = place.all(growth);
    layShapes(plate, shapes, options);
    const origins = separatePieces(plate, 220, true);
    if (cover > 0) {
      const opens = origins.map((shape) => shape > 0 && shapes[shape - 1].open === true);
      surface = joinSurface(plate, terrain, opens, random.fork("surface"));
    }
  }
  if (surface === 0) plate.truth.set(plate.labels);
  plate.measure();
  return surface;
}

/** Fused glands: where stretched, folded noise passes a level. */
function network(plate: Plate, facing: number, random: Random) {
  const { noise } = plate;
  const scale = random.uniform(55, 150);
  const along = scale * random.uniform(1, 2.6);
  const cos = Math.cos(facing), sin = Math.sin(facing);
  const ribbons = random.next() < 0.45;
  const share = random.uniform(0.4, 0.75);
  const off = random.uniform(0, 200);
  return (x: number, y: number) => {
    const u = (x * cos + y * sin) / along + off, v = (y * cos - x * sin) / scale;
    const a = noise.cloud(u, v);
    return ribbons ? 0.16 * share - Math.abs(a - 0.5) + 0.02 : a - 0.5 - 0.26 * (0.5 - share);
  };
}
