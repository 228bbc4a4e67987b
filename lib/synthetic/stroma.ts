/** The cells between the crypts, scattered as each layer of the wall has them. */
import type { Random } from "../base/mod.ts";
import type { Canvas } from "./canvas.ts";
import {
  paintEosinophil,
  paintLymphocyte,
  paintPaleCell,
  paintPlasmaCell,
  paintSpindle,
} from "./cells.ts";
import type { Crypt, Obstacle } from "./crypts.ts";
import { type Noise, smoothstep } from "./noise.ts";
import { walkOutline } from "./outlines.ts";
import { COVER_HEIGHT, MUSCLE_THICKNESS, type Zones } from "./zones.ts";

/** Tries per µm²; most of them find no room. */
const TRIES = 0.06;

/** Scatters the cells of mucosa, muscle and submucosa around vessels, dense in the clusters. */
export function scatterCells(
  canvas: Canvas,
  zones: Zones,
  clusters: Obstacle[],
  vessels: Obstacle[],
  noise: Noise,
  random: Random,
): void {
  const taken = new Set<number>();
  const within = (list: Obstacle[], x: number, y: number, more: number) =>
    list.some((o) => (x - o.x) ** 2 + (y - o.y) ** 2 < (o.radius + more) ** 2);
  const tries = Math.round(zones.width * zones.height * TRIES);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, zones.width), y = random.uniform(0, zones.height);
    const chance = random.next();
    if (canvas.labelAt(x, y) !== 0 || zones.depth(x, y) < COVER_HEIGHT + 3) continue;
    if (within(vessels, x, y, 2)) continue;
    const up = zones.toMuscle(x, y);
    if (up < 1) {
      scatterBelow(canvas, zones, noise, x, y, up, chance, random);
      continue;
    }
    const clustered = within(clusters, x, y, 14 * noise.cloud(x / 25, y / 25) - 7);
    const density = smoothstep(0.36, 0.62, noise.cloud(x / 55, y / 55));
    if (!clustered && chance > 0.16 + 0.8 * density) continue;
    // One cell a grid cell keeps cells from lying on each other.
    const side = clustered ? 4.1 : 4.7;
    const key = Math.floor(x / side) * 65536 + Math.floor(y / side);
    if (taken.has(key)) continue;
    taken.add(key);
    const kind = random.next();
    if (clustered ? kind < 0.85 : kind < 0.36) paintLymphocyte(canvas, x, y, random);
    else if (kind < 0.66) paintPlasmaCell(canvas, x, y, random);
    else if (clustered || kind < 0.77) paintPaleCell(canvas, x, y, random);
    else if (kind < 0.975) paintSpindle(canvas, x, y, flow(x, y, noise, random), random);
    else paintEosinophil(canvas, x, y, random);
  }
}

/** The direction that fibres have in the mucosa: neighbours lie alike. */
function flow(x: number, y: number, noise: Noise, random: Random): number {
  return 9 * noise.cloud(x / 110 + 50, y / 110) + random.normal(0, 0.35);
}

function scatterBelow(
  canvas: Canvas,
  zones: Zones,
  noise: Noise,
  x: number,
  y: number,
  up: number,
  chance: number,
  random: Random,
): void {
  const inMuscle = up > -MUSCLE_THICKNESS;
  const along = zones.facing + Math.PI / 2;
  if (chance < (inMuscle ? 0.1 : 0.024)) {
    const turn = inMuscle ? 0 : 2.4 * (noise.cloud(x / 60, y / 60) - 0.5);
    paintSpindle(canvas, x, y, along + turn + random.normal(0, 0.12), random);
  } else if (!inMuscle && chance < 0.03) {
    (random.next() < 0.5 ? paintLymphocyte : paintPaleCell)(canvas, x, y, random);
  }
}

/** The thin fibroblasts that sheathe a crypt. */
export function paintSheath(canvas: Canvas, crypt: Crypt, random: Random): void {
  for (const { x, y, inward } of walkOutline(crypt.outline, () => random.uniform(9, 34))) {
    const out = random.uniform(1.4, 2.8);
    const angle = inward + Math.PI / 2 + random.normal(0, 0.12);
    paintSpindle(canvas, x - out * Math.cos(inward), y - out * Math.sin(inward), angle, random);
  }
}

/** The columnar epithelium of the mucosa's surface: not crypt, though of the same cells. */
export function paintSurface(canvas: Canvas, zones: Zones, random: Random): void {
  const row = (step: number, paint: (along: number) => void) => {
    for (let along = 0; along < zones.breadth; along += step * random.uniform(0.7, 1.3)) {
      paint(along);
    }
  };
  row(11, (along) => {
    if (random.next() < 0.45) return;
    const [x, y] = zones.below(along, 5.2 + random.normal(0, 0.6));
    canvas.ellipse(x, y, random.uniform(3, 4.4), random.uniform(2, 3.2), zones.facing, {
      haematoxylin: 0.08,
      eosin: 0.1,
      rim: 0.5,
      grain: 0.4,
      cover: 0.85,
      softness: 1.2,
      wobble: 0.25,
      label: 0,
    });
  });
  row(3.2, (along) => {
    const [x, y] = zones.below(along, COVER_HEIGHT - 4 + random.normal(0, 1.2));
    const angle = zones.facing + random.normal(0, 0.3);
    canvas.ellipse(x, y, random.uniform(2.3, 3.6), random.uniform(1.2, 1.9), angle, {
      haematoxylin: random.uniform(0.42, 0.85),
      eosin: 0.3,
      rim: 0.3,
      grain: 0.3,
      cover: 0.9,
      softness: 0.9,
      wobble: 0.3,
      label: 0,
    });
  });
}
