/** Glands from within: cytoplasm, lumen, goblet cells, nuclei. */
import type { Random } from "../../base/mod.ts";
import { smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { type Growth, growthOf } from "./layout.ts";
import { type Plate, Spacer, Tissue } from "./plate.ts";

/** What fills a lumen. */
export type Filling = "empty" | "mucus" | "secretion" | "necrosis";

/** How one gland looks. Lengths in µm, stain in optical density. */
export interface GlandStyle {
  growth: Growth;
  /** Height of the epithelium; what lies deeper is hollow. Infinite where it is cut tangentially. */
  height: number;
  goblets: number;
  gobletSize: number;
  mucin: number;
  foam: boolean;
  serration: number;
  filling: Filling;
  /** Centres of nuclei lie up to this depth. */
  band: number;
  /** Semi-axes of nuclei. */
  long: number;
  wide: number;
  spacing: number;
  /** How dark nuclei are, and how much of it is in the rim. */
  dark: number;
  rim: number;
  /** How nuclei stray from standing upright, radians. */
  tilt: number;
  /** Haematoxylin and eosin of the cytoplasm. */
  cytoplasm: [number, number];
  /** How much paler the apical part is, in [0, 1]. */
  pale: number;
  /** Share of the gland that is cut tangentially. */
  tangential: number;
}

/** Draws how gland number `label` looks; `deepest` is its largest distance from the outline. */
export function glandStyle(features: Features, deepest: number, random: Random): GlandStyle {
  const growth = mixedGrowth(features, random);
  const wild = growth === "carcinoma" ? features.carcinoma : 0;
  const neoplastic = growth === "adenoma" || growth === "carcinoma";
  const grade = growth === "adenoma" ? features.adenoma : wild;
  let height = features.epithelium * Math.exp(random.normal(0, 0.1));
  if (neoplastic) height *= random.uniform(1, 1.5 + 0.7 * grade);
  // A lumen is what remains; in narrow glands it is a slit.
  const slit = deepest * random.uniform(0.7, 0.95);
  height = Math.min(height / features.lumen, slit);
  // Tall epithelium that leaves a crack only.
  if (neoplastic && deepest < 75 && random.next() < 0.4 * features.slits) height = slit;
  // A network is as deep as its widest place; elsewhere it must have lumens too.
  if (deepest > 60 && random.next() < 0.75) {
    height = Math.min(height, random.uniform(20, 0.6 * deepest));
  }
  const solid = random.next();
  const cap = neoplastic ? 0.05 + 0.13 * wild : features.caps;
  // Wide glands are cut through their wall in part only.
  const isCap = (solid < cap && deepest < 30) || (deepest < 13 && random.next() < 0.6);
  const foam = !isCap && !neoplastic && random.next() < features.foam;
  const goblets = neoplastic
    ? Math.max(0, features.goblets * random.uniform(-0.5, 0.7) * (1 - 0.6 * grade))
    : Math.min(1, Math.max(0, features.goblets + random.normal(0, 0.15)));
  const stratified = neoplastic
    ? random.uniform(0.3, 0.5 + 0.4 * grade)
    : features.stratified + (growth === "hyperplasia" ? 0.1 : 0);
  const vesicular = growth === "carcinoma" ? features.vesicular : neoplastic ? 0.25 : 0.15;
  const size = features.nucleus * Math.exp(random.normal(0, 0.06));
  const long = neoplastic
    ? size * (random.uniform(4.6, 6.4) - 1.2 * vesicular + 0.6 * wild)
    : size * random.uniform(3.1, 4);
  const wide = neoplastic
    ? size * (2.2 + 1.5 * vesicular + 0.3 * wild)
    : size * random.uniform(1.9, 2.4);
  const faint = random.next() < features.washedOut ? random.uniform(1.2, 2) : 1;
  const apex = random.uniform(0.5, neoplastic ? 9 : 12);
  return {
    growth,
    height: isCap || foam ? Infinity : height,
    goblets: isCap ? 0.1 * goblets : goblets,
    gobletSize: features.gobletSize * random.uniform(0.85, 1.15),
    mucin: Math.min(1, Math.max(0, features.mucin + random.normal(0, 0.15))),
    foam,
    serration: features.serration,
    filling: filling(features, growth, random),
    band: isCap
      ? Infinity
      // Above the nuclei there is cytoplasm, little of it in high-grade growth.
      : Math.min(1.5 * long + stratified * Math.min(height, 60), height - long - apex),
    long,
    wide,
    spacing: faint * (wide * (neoplastic ? features.nuclearSpacing : 1.75) + random.uniform(0, 1)),
    dark: (1.35 - 0.35 * faint) * (0.72 + 0.16 * grade - 0.3 * vesicular) *
      Math.exp(random.normal(0, 0.1)),
    rim: 0.2 + 0.9 * vesicular,
    tilt: neoplastic ? 0.15 + 0.5 * wild : 0.25,
    cytoplasm: [
      Math.max(0.02, features.basophilia * (neoplastic ? 1.25 : 1) + random.normal(0, 0.03)),
      0.28 * features.cytoplasm * Math.exp(random.normal(neoplastic ? 0.18 : 0, 0.15)),
    ],
    pale: random.uniform(0, 0.6),
    tangential: neoplastic ? random.uniform(0, 0.3) : random.uniform(0, 0.2),
  };
}

function mixedGrowth(features: Features, random: Random): Growth {
  const growth = growthOf(features);
  const chance = random.next();
  if (growth === "adenoma" && chance < 0.15) return "normal";
  if (growth === "carcinoma" && chance < 0.1) return "adenoma";
  return growth;
}

function filling(features: Features, growth: Growth, random: Random): Filling {
  const dead = growth === "carcinoma"
    ? 0.65 * features.necrosis
    : growth === "adenoma"
    ? 0.12
    : 0.03;
  if (random.next() < dead) return "necrosis";
  const full = random.next() < features.secretion;
  if (!full) return "empty";
  return random.next() < (growth === "carcinoma" ? 0.25 : 0.12) ? "secretion" : "mucus";
}

/** Lumens that lie within the epithelium: cribriform glands and intracellular gaps. */
export function punchLumens(
  plate: Plate,
  styles: readonly GlandStyle[],
  features: Features,
  random: Random,
): void {
  if (features.cribriform === 0 || features.carcinoma === 0) return;
  const spacer = new Spacer(90);
  const tries = Math.round(plate.breadth * plate.tallness / 300);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, plate.breadth), y = random.uniform(0, plate.tallness);
    const chance = random.next(), size = random.next();
    const i = plate.at(x, y);
    const label = plate.labels[i];
    if (label === 0 || chance > features.cribriform) continue;
    const r = 3 + 22 * size * size;
    const own = random.fork(n);
    if (plate.distance[i] < 15 + r || styles[label].growth !== "carcinoma") continue;
    if (!spacer.claim(x, y, 2 * r + 14)) continue;
    hollowOut(plate, x, y, r, r * own.uniform(0.5, 1), own.uniform(0, Math.PI), label);
  }
}

function hollowOut(
  plate: Plate,
  x: number,
  y: number,
  a: number,
  b: number,
  angle: number,
  label: number,
): void {
  const { pixel, width, height, labels, hollow, noise } = plate;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const reach = 1.3 * a;
  for (
    let row = Math.max(0, Math.floor((y - reach) / pixel));
    row <= Math.min(height - 1, (y + reach) / pixel);
    row++
  ) {
    for (
      let column = Math.max(0, Math.floor((x - reach) / pixel));
      column <= Math.min(width - 1, (x + reach) / pixel);
      column++
    ) {
      const dx = column * pixel - x, dy = row * pixel - y;
      const q = Math.hypot((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b);
      const i = row * width + column;
      if (labels[i] === label && q < 0.75 + 0.5 * noise.at(dx / 6 + x, dy / 6 + y)) hollow[i] = 1;
    }
  }
}

/** Whether the section runs along the wall at (x, y), `t` µm from the outline. */
function isTangential(
  style: GlandStyle,
  { noise }: Plate,
  label: number,
  x: number,
  y: number,
  t: number,
): boolean {
  return t < style.height + 22 &&
    noise.at(x / 70 + 3 * label, y / 70 + 20) > 1 - style.tangential;
}

/** Lays cytoplasm and lumens; `styles` by label. */
export function paintEpithelium(plate: Plate, styles: readonly GlandStyle[]): void {
  const { width, height, pixel, labels, hollow, haematoxylin, eosin, noise, distance } = plate;
  for (let row = 0, i = 0; row < height; row++) {
    const y = row * pixel;
    for (let column = 0; column < width; column++, i++) {
      if (labels[i] === 0) continue;
      const style = styles[labels[i]];
      const x = column * pixel, t = distance[i];
      const uneven = noise.cloud(x / 9, y / 9) - 0.5;
      const fine = noise.at(x / 1.8 + 50, y / 1.8) - 0.5;
      const solid = isTangential(style, plate, labels[i], x, y, t);
      const saw = style.serration * 16 * (noise.cloud(x / 13 + 60, y / 13) - 0.5);
      const top = solid && hollow[i] === 0 ? -30 : t + 7 * uneven + saw - style.height;
      const open = hollow[i] ? 1 : smoothstep(-0.8, 0.9, top);
      if (open > 0.5) hollow[i] = 1;
      const apical = style.height === Infinity ? 0 : smoothstep(0.3, 1, t / style.height);
      const [ch, ce] = style.cytoplasm;
      const pale = 1 - style.pale * apical;
      let h = ch * pale * (1 + 0.7 * uneven) + 0.1 * fine;
      let e = ce * (1 + 0.3 * apical * (1 - style.pale)) * (1 + 0.5 * uneven) + 0.12 * fine;
      const brush = Math.exp(-((top / 1.4) ** 2));
      h += 0.04 * brush;
      e += 0.12 * brush;
      const [lh, le] = contents(style.filling, x, y, noise.at(x / 2.2, y / 2.2) - 0.5, plate);
      haematoxylin[i] = Math.max(0, h + open * (lh - h));
      eosin[i] = Math.max(0, e + open * (le - e));
    }
  }
}

function contents(
  filling: Filling,
  x: number,
  y: number,
  fine: number,
  { noise }: Plate,
): [number, number] {
  switch (filling) {
    case "empty":
      return [0, 0.01];
    case "mucus": {
      const strand = noise.net(x / 8 + 13, y / 8) ** 3;
      return [0.02 + 0.07 * strand, 0.02 + 0.06 * strand];
    }
    case "secretion":
      return [0.04 + 0.04 * fine, 0.24 + 0.08 * fine];
    default: {
      const clump = noise.cloud(x / 9 + 31, y / 9);
      const there = smoothstep(0.36, 0.5, clump);
      return [(0.06 + 0.16 * fine) * there, (0.26 + 0.3 * fine + 0.3 * (clump - 0.4)) * there];
    }
  }
}

/** Paints goblet cells, then nuclei, of all glands. */
export function paintGlandCells(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  paintGoblets(plate, styles, random.fork("goblets"));
  paintNuclei(plate, styles, random.fork("nuclei"));
  paintDebris(plate, styles, random.fork("debris"));
}

function paintGoblets(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const { noise } = plate;
  if (!styles.some((style) => style && style.goblets > 0.02)) return;
  const spacer = new Spacer(24);
  const step = 4;
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      let x = gx + random.uniform(0, step), y = gy + random.uniform(0, step);
      const chance = random.next(), vary = random.uniform(0.8, 1.2), shift = random.normal(0, 1.5);
      const i = plate.at(x, y);
      if (i < 0) continue;
      const label = plate.labels[i];
      if (label === 0) continue;
      const style = styles[label];
      const r = style.gobletSize * vary;
      // Goblet cells come in groups.
      const grouped = noise.cloud(x / 28 + 17 * label, y / 28);
      if (grouped + 0.3 * (chance - 0.5) > 0.22 + 0.62 * style.goblets) continue;
      if (style.goblets < 0.02) continue;
      const t = plate.distance[i];
      let angle = plate.inward(i), long = r * 1.15;
      if (style.height !== Infinity) {
        const root = Math.min(9, 0.4 * style.height);
        const deep = style.height - root;
        if (t < root || t > style.height + 3 || plate.hollow[i]) continue;
        long = Math.max(r, Math.min(0.5 * deep, 1.9 * r));
        const wanted = style.height - long * 0.9 + shift;
        if (Math.abs(wanted - t) > 6) continue;
        x += (wanted - t) * Math.cos(angle);
        y += (wanted - t) * Math.sin(angle);
      } else {
        if (t < 8 + 0.6 * r) continue;
        angle = random.uniform(0, Math.PI);
      }
      if (!spacer.claim(x, y, 1.95 * r)) continue;
      const stain = 0.01 + 0.14 * style.mucin;
      plate.ellipse(x, y, long, r, angle, {
        haematoxylin: stain * random.uniform(0.6, 1.3),
        eosin: 0.02 + 0.5 * stain * random.next(),
        grain: 0.5,
        rim: 0.5,
        cover: 0.92,
        softness: 1.2,
        wobble: 0.25,
        label,
      });
    }
  }
}

function paintNuclei(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const spacer = new Spacer(26);
  const step = 2.1;
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      let x = gx + step * random.next(), y = gy + step * random.next();
      const chance = random.next();
      const i = plate.at(x, y);
      if (i < 0) continue;
      const label = plate.labels[i];
      if (label === 0 || plate.hollow[i]) continue;
      const style = styles[label];
      const t = plate.distance[i];
      const solid = style.band === Infinity || isTangential(style, plate, label, x, y, t);
      const angle = plate.inward(i);
      if (!solid) {
        if (t > Math.max(style.band, style.long * 0.9 + 3)) continue;
        // Most nuclei stand on the base; the others fill the band.
        const based = style.long * 0.9 + 1.4;
        if (t < based + 2.5 || chance < 0.35) {
          const wanted = t < based + 2.5 ? based + 1.1 * random.normal() : t;
          x += (wanted - t) * Math.cos(angle);
          y += (wanted - t) * Math.sin(angle);
        } else if (chance > 0.9) continue;
      } else if (t < 2.5 || chance > 0.72) continue;
      if (!spacer.claim(x, y, style.spacing)) continue;
      const big = Math.exp(random.normal(0, 0.13));
      const turned = angle + random.normal(0, solid ? 1 : style.tilt);
      plate.ellipse(x, y, style.long * big * (solid ? 0.8 : 1), style.wide * big, turned, {
        haematoxylin: style.dark * random.uniform(0.7, 1.25),
        eosin: random.uniform(0.12, 0.3),
        rim: style.rim,
        grain: 0.35,
        cover: 0.9,
        softness: 0.8,
        wobble: 0.3,
        label,
      });
    }
  }
}

/** Shed cells and dust of nuclei in lumens that hold dead cells. */
function paintDebris(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const tries = Math.round(plate.breadth * plate.tallness / 45);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, plate.breadth), y = random.uniform(0, plate.tallness);
    const chance = random.next(), size = random.next();
    const i = plate.at(x, y);
    if (plate.labels[i] === 0 || !plate.hollow[i]) {
      if (plate.labels[i] === 0 && plate.tissue[i] === Tissue.necrosis && chance < 0.5) {
        dust(plate, x, y, size, random);
      }
      continue;
    }
    const { filling } = styles[plate.labels[i]];
    const thick = plate.noise.cloud(x / 26 + 9, y / 26);
    if (filling === "necrosis" ? chance < 1.6 * (thick - 0.3) : chance < 0.006) {
      dust(plate, x, y, size, random);
    }
  }
}

function dust(plate: Plate, x: number, y: number, size: number, random: Random): void {
  const r = 0.9 + 2.2 * size;
  plate.ellipse(x, y, r * random.uniform(1, 1.5), r, random.uniform(0, Math.PI), {
    haematoxylin: random.uniform(0.3, 1),
    eosin: random.uniform(0.2, 0.5),
    cover: 0.85,
    softness: 0.8,
    wobble: 0.4,
  });
}
