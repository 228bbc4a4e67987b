/** Where crypts and vessels lie and which outline they have; nothing is painted here. */
import type { Random } from "../base/mod.ts";
import type { Noise } from "./noise.ts";
import { type Outline, outlineArea } from "./outlines.ts";
import type { SlidePlan } from "./plan.ts";
import type { Zones } from "./zones.ts";

/** A disc that crypts keep away from: a vessel or a lymphoid cluster. */
export interface Obstacle {
  x: number;
  y: number;
  radius: number;
}

/**
 * `open`: through the lumen; `foam`: along the wall, goblet cells all over; `cap`: through the base's
 * wall only, nuclei all over.
 */
export type Section = "open" | "foam" | "cap";

/** One crypt section; lengths in µm. */
export interface Crypt {
  x: number;
  y: number;
  outline: Outline;
  /** Height of the epithelium; the lumen is what lies deeper than that. */
  epithelium: number;
  /** Share of cells that are goblet cells. */
  goblets: number;
  /** How the section cuts it. */
  section: Section;
  /** 0 at the mucosa's surface, 1 at the crypt's base, where cells crowd and darken. */
  base: number;
  /** How dark the cells stain, 1 being usual. */
  tone: number;
  /** How blue the mucus is, in [0, 1]. */
  mucus: number;
}

interface Seed {
  x: number;
  y: number;
  radius: number;
  stretch: number;
  angle: number;
  bend: number;
  section: Section;
}

/** Least distance of two crypt centres, across their width, µm. */
const SPACING = 57;
const MARGIN = 70;
/** Crypts keep this far from the surface, µm: the surface epithelium lies between. */
const SURFACE_GAP = 20;

/** Fills the mucosa with crypts, densely and without overlap. */
export function placeCrypts(
  plan: SlidePlan,
  zones: Zones,
  obstacles: Obstacle[],
  noise: Noise,
  random: Random,
): Crypt[] {
  const seeds = sowSeeds(plan, zones, obstacles, noise, random.fork("seeds"));
  const crypts: Crypt[] = [];
  for (const [i, seed] of seeds.entries()) {
    const own = random.fork(i);
    const outline = growOutline(seed, seeds, obstacles, zones, own);
    if (outlineArea(outline) < 450) continue;
    const up = zones.toMuscle(seed.x, seed.y);
    const base = Math.min(1, Math.max(0, 1 - up / 130 + own.normal(0, 0.1)));
    crypts.push({
      x: seed.x,
      y: seed.y,
      outline,
      epithelium: own.uniform(19, 25),
      goblets: Math.max(0.15, own.uniform(0.62, 1) - 0.6 * base),
      section: seed.section,
      base,
      tone: own.uniform(0.85, 1.2),
      mucus: own.uniform(0, 1),
    });
  }
  return crypts;
}

function sowSeeds(
  plan: SlidePlan,
  zones: Zones,
  obstacles: Obstacle[],
  noise: Noise,
  random: Random,
): Seed[] {
  const { width, height } = zones;
  const seeds: Seed[] = [];
  const attempts = Math.ceil((width + 2 * MARGIN) * (height + 2 * MARGIN) / SPACING ** 2 * 120);
  for (let n = 0; n < attempts; n++) {
    const x = random.uniform(-MARGIN, width + MARGIN);
    const y = random.uniform(-MARGIN, height + MARGIN);
    if (zones.depth(x, y) < SURFACE_GAP + 16 || zones.toMuscle(x, y) < 18) continue;
    if (obstacles.some((o) => Math.hypot(x - o.x, y - o.y) < o.radius + 26)) continue;
    const stretch = Math.max(1, plan.stretch * (0.6 + 0.8 * noise.cloud(x / 260 + 3, y / 260)));
    // Long sections lie along the crypt's axis, round ones anyhow.
    const spread = stretch > 1.7 ? 0.9 : 2.2;
    const turn = spread * (noise.cloud(x / 300 + 91, y / 300) - 0.5) + random.normal(0, 0.08);
    const kind = random.next();
    const section = kind < 0.16 ? "foam" : kind < 0.23 ? "cap" : "open";
    const seed: Seed = {
      x,
      y,
      stretch,
      angle: zones.facing + turn,
      radius: section === "cap" ? random.uniform(15, 25) : random.uniform(28, 42),
      section,
      bend: random.normal(0, 0.0012),
    };
    if (seeds.every((other) => !crowds(seed, other))) seeds.push(seed);
  }
  return seeds;
}

function crowds(a: Seed, b: Seed): boolean {
  const dx = b.x - a.x, dy = b.y - a.y;
  if (dx * dx + dy * dy > (SPACING * Math.max(a.stretch, b.stretch)) ** 2) return false;
  return Math.min(apart(a, dx, dy), apart(b, dx, dy)) < SPACING;
}

/** Distance in the frame in which the seed's crypt is round. */
function apart(seed: Seed, dx: number, dy: number): number {
  const cos = Math.cos(seed.angle), sin = Math.sin(seed.angle);
  return Math.hypot((dx * cos + dy * sin) / seed.stretch, dy * cos - dx * sin);
}

/** What a crypt yields to, as its direction and distance in the frame in which the crypt is round. */
interface Wall {
  u: number;
  v: number;
  distance: number;
}

/** The neighbours' share of the room and the obstacles. */
function wallsAround(seed: Seed, seeds: Seed[], obstacles: Obstacle[]): Wall[] {
  const cos = Math.cos(seed.angle), sin = Math.sin(seed.angle);
  const walls: Wall[] = [];
  const wall = (dx: number, dy: number, share: number, gap: number) => {
    const u = (dx * cos + dy * sin) / seed.stretch, v = dy * cos - dx * sin;
    const length = Math.hypot(u, v);
    if (length < 130) walls.push({ u: u / length, v: v / length, distance: length * share - gap });
  };
  for (const other of seeds) {
    if (other === seed) continue;
    const share = seed.radius / (seed.radius + other.radius);
    // A pair shares its gap, so both must draw the same one; some pairs nearly touch.
    const gap = 1 + 8 * pairChance(seed, other) ** 1.6;
    wall(other.x - seed.x, other.y - seed.y, share, gap);
  }
  for (const o of obstacles) {
    const dx = o.x - seed.x, dy = o.y - seed.y, length = Math.hypot(dx, dy);
    wall(dx, dy, Math.max(0.2, (length - o.radius) / length), 5);
  }
  return walls;
}

/** A star-shaped outline that yields to its neighbours as crypts in tissue do. */
function growOutline(
  seed: Seed,
  seeds: Seed[],
  obstacles: Obstacle[],
  zones: Zones,
  random: Random,
): Outline {
  const cos = Math.cos(seed.angle), sin = Math.sin(seed.angle);
  const walls = wallsAround(seed, seeds, obstacles);
  const corners = Math.round(72 * Math.sqrt(seed.stretch));
  const waves = [2, 3, 4, 5, 7, 9, 12].map((k) => ({
    k,
    size: random.normal(0, 0.075 / k),
    phase: random.uniform(0, 2 * Math.PI),
  }));
  const radii = new Float64Array(corners);
  const place = (k: number, r: number): [number, number] => {
    const phi = 2 * Math.PI * k / corners;
    const u = seed.stretch * r * Math.cos(phi);
    const v = r * Math.sin(phi) + seed.bend * u * u;
    return [seed.x + u * cos - v * sin, seed.y + u * sin + v * cos];
  };
  for (let k = 0; k < corners; k++) {
    const phi = 2 * Math.PI * k / corners;
    const c = Math.cos(phi), s = Math.sin(phi);
    let sum = seed.radius ** -9;
    for (const { u, v, distance } of walls) {
      const towards = c * u + s * v;
      if (towards > 0.05) sum += (Math.max(6, distance) / towards) ** -9;
    }
    let r = sum ** (-1 / 9);
    for (const { k, size, phase } of waves) r *= 1 + size * Math.cos(k * phi + phase);
    radii[k] = r;
    if (inMucosa(...place(k, r), zones)) continue;
    let inside = 0, outside = r;
    for (let n = 0; n < 8; n++) {
      const middle = (inside + outside) / 2;
      if (inMucosa(...place(k, middle), zones)) inside = middle;
      else outside = middle;
    }
    radii[k] = inside;
  }
  smoothRing(radii);
  const outline = new Float64Array(2 * corners);
  for (let k = 0; k < corners; k++) outline.set(place(k, radii[k]), 2 * k);
  return outline;
}

function inMucosa(x: number, y: number, zones: Zones): boolean {
  return zones.depth(x, y) > SURFACE_GAP && zones.toMuscle(x, y) > 4;
}

/** A number in [0, 1) that a pair agrees on. */
function pairChance(a: Seed, b: Seed): number {
  const x = Math.sin((a.x + b.x) * 12.9898 + (a.y + b.y) * 78.233) * 43758.5453;
  return x - Math.floor(x);
}

function smoothRing(values: Float64Array): void {
  const n = values.length;
  for (let pass = 0; pass < 4; pass++) {
    const before = values.slice();
    for (let k = 0; k < n; k++) {
      values[k] = (before[(k + n - 1) % n] + 2 * before[k] + before[(k + 1) % n]) / 4;
    }
  }
}
