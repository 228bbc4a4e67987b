/** How one gland looks: its epithelium, nuclei, goblet cells and lumen. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { type Growth, growthOf } from "./growth.ts";
import type { Plate } from "./plate.ts";

/** What fills a lumen, or lies above the surface. */
export type Filling = "empty" | "mucus" | "secretion" | "necrosis" | "glass";

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
  const height = epitheliumHeight(features, deepest, neoplastic ? grade : null, random);
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

/** Draws how the epithelium of the surface looks, and that of the crypts that open to it. */
export function surfaceStyle(features: Features, height: number, random: Random): GlandStyle {
  const style = glandStyle(features, 3 * height, random.fork("cells"));
  return {
    ...style,
    height,
    goblets: style.goblets * random.uniform(0.2, 1),
    foam: false,
    serration: 0,
    filling: "glass",
    band: Math.min(style.band, Math.max(style.long, height - style.long - random.uniform(0.5, 9))),
    tangential: 0,
  };
}

/** Of a gland, before what makes it solid; `grade` is null where it is no neoplasm. */
function epitheliumHeight(
  features: Features,
  deepest: number,
  grade: number | null,
  random: Random,
): number {
  let height = features.epithelium * Math.exp(random.normal(0, 0.1));
  if (grade !== null) height *= random.uniform(1, 1.5 + 0.7 * grade);
  // A lumen is what remains; in narrow glands it is a slit.
  const slit = deepest * random.uniform(0.7, 0.95);
  height = Math.min(height / features.lumen, slit);
  // Tall epithelium that leaves a crack only.
  if (grade !== null && deepest < 75 && random.next() < 0.4 * features.slits) height = slit;
  // A network is as deep as its widest place; elsewhere it must have lumens too.
  if (deepest > 60 && random.next() < 0.75) {
    height = Math.min(height, random.uniform(20, 0.6 * deepest));
  }
  return height;
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

/** Whether the section runs along the wall at (x, y), `t` µm from the outline. */
export function isTangential(
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
