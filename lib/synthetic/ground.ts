/** What lies between crypts and cells: the fibres of each layer of the wall. */
import type { Canvas } from "./canvas.ts";
import { type Noise, smoothstep } from "./noise.ts";
import { DISTANCE_UNIT } from "./outlines.ts";
import { PIXEL_SIZE } from "./plan.ts";
import { COVER_HEIGHT, MUSCLE_THICKNESS, type Zones } from "./zones.ts";

/** Haematoxylin and eosin at one point. */
type Stain = [number, number];

/** Lays the ground of every unlabelled pixel; `distances` from edgeDistances. */
export function paintGround(
  canvas: Canvas,
  zones: Zones,
  distances: Uint16Array,
  noise: Noise,
): void {
  const { width, height, labels, haematoxylin, eosin } = canvas;
  for (let row = 0; row < height; row++) {
    const y = row * PIXEL_SIZE;
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      if (labels[i] !== 0) continue;
      const x = column * PIXEL_SIZE;
      const depth = zones.depth(x, y);
      if (depth < -1.5) continue;
      const up = zones.toMuscle(x, y);
      const along = zones.along(x, y);
      const [h, e] = up > 0
        ? mucosa(x, y, depth, distances[i] * DISTANCE_UNIT, noise)
        : up > -MUSCLE_THICKNESS
        ? muscle(along, up, noise)
        : submucosa(along, up, noise);
      const there = smoothstep(-1.5, 0.5, depth);
      haematoxylin[i] = h * there;
      eosin[i] = e * there;
    }
  }
}

function mucosa(x: number, y: number, depth: number, toCrypt: number, noise: Noise): Stain {
  const fine = noise.at(x / 1.9, y / 1.9) - 0.5;
  if (depth < COVER_HEIGHT) {
    const brush = 0.12 * Math.exp(-(((depth - 0.8) / 1) ** 2));
    const uneven = noise.cloud(x / 9, y / 9) - 0.5;
    return [0.16 + 0.08 * fine + 0.12 * uneven, 0.34 + brush + 0.12 * fine + 0.16 * uneven];
  }
  const wx = x + 16 * noise.cloud(x / 30, y / 30), wy = y + 16 * noise.cloud(x / 30 + 60, y / 30);
  const net = noise.net(wx / 13, wy / 9 + 20);
  const thread = noise.net(wx / 5 + 40, wy / 4) ** 2;
  const body = noise.cloud(x / 45 + 30, y / 45);
  // Where little lies between the fibres, the glass shines through.
  const gap = smoothstep(0.38, 0.58, noise.cloud(x / 11 + 30, y / 11)) * (1.2 - 0.5 * body);
  let e = 0.06 + 0.18 * body + 0.14 * net + 0.2 * thread + 0.16 * fine;
  let h = 0.03 + 0.1 * body + 0.03 * thread + 0.08 * fine;
  const keep = 1 - 0.95 * gap * (1 - 0.5 * thread - 0.2 * net);
  e *= keep;
  h *= keep;
  // The basement membrane is a thin pink line; in places tissue has shrunk away from it.
  const membrane = Math.exp(-((toCrypt / 1.1) ** 2));
  const slit = smoothstep(0.46, 0.6, noise.cloud(x / 40 + 77, y / 40)) *
    smoothstep(0.4, 1.2, toCrypt) * (1 - smoothstep(1.8, 4, toCrypt + 2 * fine));
  return [h * (1 - 0.9 * slit), e * (1 - 0.9 * slit) + 0.14 * membrane];
}

function muscle(along: number, up: number, noise: Noise): Stain {
  const sway = up + 5 * noise.cloud(along / 40, up / 30);
  const fibre = noise.ridge(along / 30, sway / 2.2);
  const fine = noise.at(along / 5, sway / 1.1) - 0.5;
  const split = smoothstep(0.55, 0.7, noise.cloud(along / 50 + 5, sway / 5));
  const edge = Math.min(1, Math.min(-up, up + MUSCLE_THICKNESS) / 3);
  const keep = 1 - 0.75 * split;
  return [
    (0.09 + 0.05 * fine) * keep,
    (0.24 + 0.22 * fibre * edge + 0.14 * fine) * keep,
  ];
}

function submucosa(along: number, up: number, noise: Noise): Stain {
  // Wavy bundles of collagen, mostly along the wall, with clefts between them.
  const u = along + 50 * noise.cloud(along / 90, up / 60 + 8);
  const v = up + 44 * noise.cloud(along / 70 + 70, up / 70);
  const bundle = noise.cloud(u / 70, v / 13);
  const wave = noise.ridge(u / 16 + 40, v / 2.6) ** 2;
  const thread = noise.net(u / 30, v / 7 + 9) ** 3;
  const fine = noise.at(u / 3, v / 1.2) - 0.5;
  const cleft = smoothstep(0.5, 0.66, bundle);
  const dense = 1 - smoothstep(0.3, 0.5, bundle);
  const e = (0.1 + 0.12 * dense + 0.12 * wave + 0.1 * fine) * (1 - 0.85 * cleft) + 0.1 * thread;
  return [0.02 + 0.03 * dense, e];
}
