/** The texture of each tissue round the glands. */
import type { Random } from "../../base/mod.ts";
import { type Noise, smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { type Plate, Tissue } from "./plate.ts";
import type { Terrain } from "./terrain.ts";

/** Textures of one sample: amplitudes that differ from laboratory to laboratory. */
interface Weave {
  matrix: number;
  thread: number;
  fine: number;
  grain: number;
  gap: number;
  blue: number;
  wrap: number;
  cos: number;
  sin: number;
  wave: number;
}

/** Lays the ground of all pixels outside of glands; the distances must be measured. */
export function paintGround(
  plate: Plate,
  features: Features,
  terrain: Terrain,
  random: Random,
): void {
  const { width, height, pixel, labels, tissue, haematoxylin, eosin } = plate;
  const turn = terrain.facing + Math.PI / 2 + random.normal(0, 0.5);
  const weave: Weave = {
    matrix: random.uniform(0.06, 0.26),
    thread: random.uniform(0.05, 0.3),
    fine: random.uniform(0.04, 0.2),
    grain: random.uniform(1.2, 3),
    gap: features.oedema,
    blue: random.uniform(0.01, 0.14),
    wrap: random.uniform(0, 1),
    cos: Math.cos(turn),
    sin: Math.sin(turn),
    wave: random.uniform(10, 70),
  };
  const cleft = features.cleft, share = 0.25 + 0.5 * (1 - features.cleftShare);
  for (let row = 0, i = 0; row < height; row++) {
    const y = row * pixel;
    for (let column = 0; column < width; column++, i++) {
      if (labels[i] !== 0) continue;
      const kind = tissue[i];
      if (kind === Tissue.glass) continue;
      const x = column * pixel;
      let [h, e] = ground(kind, x, y, plate.distance[i], weave, plate.noise);
      if (cleft > 0.5) {
        const wide = cleft *
          smoothstep(share - 0.06, share + 0.12, plate.noise.cloud(x / 60, y / 60 + 77));
        const near = plate.distance[i] + 2.5 * (plate.noise.at(x / 5, y / 5) - 0.5);
        const keep = smoothstep(wide - 1.5, wide + 1, near);
        h *= 0.04 + 0.96 * keep;
        e *= 0.04 + 0.96 * keep;
      }
      haematoxylin[i] = h;
      eosin[i] = e;
    }
  }
}

function ground(
  kind: number,
  x: number,
  y: number,
  toGland: number,
  weave: Weave,
  noise: Noise,
): [number, number] {
  const fine = noise.at(x / weave.grain, y / weave.grain) - 0.5;
  switch (kind) {
    case Tissue.lamina:
      return loose(x, y, fine, weave, noise);
    case Tissue.lymphoid:
      return [0.16 + weave.blue + 0.1 * fine, 0.14 + 0.1 * fine];
    case Tissue.fibrous:
      return fibrous(x, y, fine, toGland, weave, noise);
    case Tissue.collagen:
      return collagen(x, y, fine, weave, noise);
    case Tissue.muscle:
      return muscle(x, y, fine, weave, noise);
    case Tissue.fat:
      return fat(x, y, noise);
    case Tissue.pool: {
      const strand = noise.net(x / 26 + 13, y / 26) ** 3;
      return [0.02 + 0.08 * strand + 0.02 * fine, 0.03 + 0.05 * strand];
    }
    default: {
      const clump = noise.cloud(x / 12, y / 12) - 0.5;
      const keep = smoothstep(0.25, 0.45, noise.cloud(x / 30 + 8, y / 30));
      return [(0.1 + 0.16 * clump + 0.12 * fine) * keep, (0.3 + 0.3 * clump + 0.3 * fine) * keep];
    }
  }
}

function loose(x: number, y: number, fine: number, w: Weave, noise: Noise): [number, number] {
  const wx = x + 16 * noise.at(x / 22, y / 22), wy = y + 16 * noise.at(x / 22 + 60, y / 22);
  const thread = noise.net(wx / 7 + 40, wy / 6) ** 2;
  const body = noise.cloud(x / 45 + 30, y / 45);
  const open = smoothstep(0.66 - 0.3 * w.gap, 0.8 - 0.3 * w.gap, noise.cloud(x / 10 + 30, y / 10));
  const keep = 1 - 0.95 * open * (1 - 0.5 * thread);
  const e = w.matrix * (0.6 + 0.9 * body) + w.thread * thread + w.fine * fine;
  const h = w.blue * (0.5 + body) + 0.04 * thread + 0.5 * w.fine * fine;
  return [Math.max(0, h * keep), Math.max(0, e * keep)];
}

function fibrous(
  x: number,
  y: number,
  fine: number,
  toGland: number,
  w: Weave,
  noise: Noise,
): [number, number] {
  const u0 = x * w.cos + y * w.sin, v0 = y * w.cos - x * w.sin;
  const u = u0 + w.wave * noise.at(u0 / 90, v0 / 60 + 8);
  // Fibres run round what they enclose.
  const round = w.wrap * (1 - smoothstep(4, 32, toGland));
  const v = (v0 + w.wave * noise.cloud(u0 / 110 + 70, v0 / 90)) * (1 - round) + toGland * round;
  const wave = noise.ridge(u / 38 + 40, v / 3.4);
  const bundle = noise.cloud(u / 90, v / 14);
  const thin = noise.at(u / 9, v / 1.5) - 0.5;
  const open = smoothstep(0.66 - 0.28 * w.gap, 0.78 - 0.24 * w.gap, noise.cloud(u / 40 + 5, v / 8));
  const keep = 1 - 0.9 * open;
  const e = w.matrix * (0.8 + 0.9 * bundle) + w.thread * wave + w.fine * (thin + 0.6 * fine);
  const h = w.blue * (0.6 + 0.6 * bundle) + 0.4 * w.fine * fine;
  return [Math.max(0, h * keep), Math.max(0, e * keep)];
}

function collagen(x: number, y: number, fine: number, w: Weave, noise: Noise): [number, number] {
  const u0 = x * w.cos + y * w.sin, v0 = y * w.cos - x * w.sin;
  const u = u0 + 50 * noise.cloud(u0 / 90, v0 / 60 + 8);
  const v = v0 + 44 * noise.cloud(u0 / 70 + 70, v0 / 70);
  const wave = noise.ridge(u / 20 + 40, v / 2.8) ** 2;
  const cleft = smoothstep(0.44, 0.62, noise.cloud(u / 70, v / 13));
  const e = (0.8 * w.matrix + 0.14 * wave + w.fine * fine) * (1 - 0.85 * cleft) + 0.05 * wave;
  return [0.3 * w.blue * (1 - cleft), Math.max(0, e)];
}

function muscle(x: number, y: number, fine: number, w: Weave, noise: Noise): [number, number] {
  const u = x * w.cos + y * w.sin;
  const v0 = y * w.cos - x * w.sin;
  const v = v0 + 8 * noise.cloud(u / 60, v0 / 60);
  const fibre = noise.ridge(u / 40, v / 3);
  const split = smoothstep(0.58, 0.7, noise.cloud(u / 60 + 5, v / 6));
  const keep = 1 - 0.75 * split;
  return [(0.06 + w.blue) * keep, Math.max(0, (0.2 + 0.2 * fibre + w.fine * fine) * keep)];
}

/** Empty bubbles with thin pink rims: the nearest two of a jittered lattice decide. */
function fat(x: number, y: number, noise: Noise): [number, number] {
  const size = 46;
  const cx = Math.floor(x / size), cy = Math.floor(y / size);
  let first = 1e9, second = 1e9;
  for (let a = cx - 1; a <= cx + 1; a++) {
    for (let b = cy - 1; b <= cy + 1; b++) {
      const px = (a + 0.15 + 0.7 * noise.at(a + 0.5, b + 31.5)) * size;
      const py = (b + 0.15 + 0.7 * noise.at(a + 71.5, b + 0.5)) * size;
      const d = Math.hypot(px - x, py - y);
      if (d < first) {
        second = first;
        first = d;
      } else if (d < second) second = d;
    }
  }
  const rim = 1 - smoothstep(1, 3.2, second - first);
  return [0.03 * rim, 0.26 * rim];
}
