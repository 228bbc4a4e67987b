/** One teaching sample: a field of H&E-stained tissue with every gland labelled. */
import type { LabelMask, RgbImage } from "../../image/mod.ts";
import { createRandom, type Random } from "../../base/mod.ts";
import { Noise } from "../noise.ts";
import { photograph } from "./camera.ts";
import { damage } from "./damage.ts";
import { drawFeatures, type FeatureGroup, type Features } from "./features.ts";
import { paintGlandCells } from "./gland_cells.ts";
import { type GlandStyle, glandStyle, surfaceStyle } from "./gland_style.ts";
import { paintEpithelium, punchLumens } from "./glands.ts";
import { paintGround } from "./ground.ts";
import { layGlands } from "./layout.ts";
import { Plate } from "./plate.ts";
import { paintStromaCells } from "./stroma.ts";
import { layTerrain } from "./terrain.ts";
import { paintVessels } from "./vessels.ts";

/** How {@link drawTeaching} draws. */
export interface TeachingOptions {
  /** Pixels a side, at least 64; default 512. */
  side?: number;
  /** µm per pixel, or the range from which it is drawn log-uniformly; default [0.5, 2]. */
  pixelSize?: number | readonly [low: number, high: number];
  /** The groups of features that vary; default all. */
  groups?: readonly FeatureGroup[];
  /** Features with a given value. */
  fixed?: Partial<Features>;
}

/** What {@link drawTeaching} returns. */
export interface TeachingSample {
  image: RgbImage;
  /** 0 is background; every gland has its own number from 1 on. */
  labels: LabelMask;
  /** µm per pixel. */
  pixelSize: number;
  /** The features drawn, by name; FEATURES has their units. */
  features: Features;
}

/** Pixels drawn round the field and cut off, so that glands at its edge are whole when painted. */
const MARGIN = 16;

/**
 * Draws teaching sample `index` of the series that `seed` begins: a pure function of its arguments,
 * the same on every machine and thread.
 *
 * @param seed an integer
 * @param index an integer from 0 on
 * @throws {RangeError} for a seed or index that is no such integer, a side under 64, a pixel size
 *   outside of (0.1, 10), an unknown group or feature
 * @example
 * ```ts
 * const { image, labels, pixelSize } = drawTeaching(7, 0, { side: 256, pixelSize: 1.24 });
 * ```
 */
export function drawTeaching(
  seed: number,
  index: number,
  options: TeachingOptions = {},
): TeachingSample {
  const { side = 512, groups, fixed } = options;
  if (!Number.isInteger(seed)) throw new RangeError(`seed must be an integer, got ${seed}`);
  if (!(Number.isInteger(index) && index >= 0)) {
    throw new RangeError(`index must be an integer of at least 0, got ${index}`);
  }
  if (!(Number.isInteger(side) && side >= 64)) {
    throw new RangeError(`side must be an integer of at least 64, got ${side}`);
  }
  const random = createRandom(seed).fork(`teaching ${index}`);
  const pixelSize = drawPixelSize(options.pixelSize, random.fork("pixel size"));
  const features = drawFeatures(random.fork("features"), groups, fixed);
  const noise = new Noise(random.fork("noise"));
  const plate = new Plate(side + 2 * MARGIN, side + 2 * MARGIN, pixelSize, noise);
  paint(plate, features, random);
  const photo = photograph(plate, features, random.fork("camera"));
  return {
    image: cutImage(photo, side),
    labels: cutLabels(plate, side),
    pixelSize,
    features,
  };
}

function paint(plate: Plate, features: Features, random: Random): void {
  const terrain = layTerrain(plate, features, random.fork("terrain"));
  const surface = layGlands(plate, features, terrain, random.fork("glands"));
  const styles = stylesOf(plate, features, random.fork("styles"));
  if (surface > 0) {
    styles[surface] = surfaceStyle(features, terrain.cover, random.fork("surface"));
  }
  paintGround(plate, features, terrain, random.fork("ground"));
  paintVessels(plate, features, random.fork("vessels"));
  paintStromaCells(plate, features, terrain, random.fork("stroma"));
  punchLumens(plate, styles, features, random.fork("lumens"));
  paintEpithelium(plate, styles);
  paintGlandCells(plate, styles, random.fork("cells"));
  damage(plate, features, random.fork("damage"));
}

function stylesOf(plate: Plate, features: Features, random: Random): GlandStyle[] {
  const deepest: number[] = [];
  plate.labels.forEach((label, i) => {
    if (label) deepest[label] = Math.max(deepest[label] ?? 0, plate.distance[i]);
  });
  return deepest.map((depth, label) => glandStyle(features, depth, random.fork(label)));
}

function drawPixelSize(wanted: TeachingOptions["pixelSize"], random: Random): number {
  const [low, high] = typeof wanted === "number" ? [wanted, wanted] : wanted ?? [0.5, 2];
  if (!(low >= 0.1 && high >= low && high <= 10)) {
    throw new RangeError(`pixelSize must lie in 0.1 to 10 µm, got ${wanted}`);
  }
  return Math.exp(random.uniform(Math.log(low), Math.log(high)));
}

function cutImage({ data, width }: RgbImage, side: number): RgbImage {
  const out = new Uint8Array(3 * side * side);
  for (let row = 0; row < side; row++) {
    const from = 3 * ((row + MARGIN) * width + MARGIN);
    out.set(data.subarray(from, from + 3 * side), 3 * row * side);
  }
  return { data: out, height: side, width: side };
}

/** Cuts the field out and numbers the glands that are in it from 1 on. */
function cutLabels({ truth, width }: Plate, side: number): LabelMask {
  const data = new Uint16Array(side * side);
  const numbers = new Map<number, number>();
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const label = truth[(row + MARGIN) * width + column + MARGIN];
      if (label === 0) continue;
      let number = numbers.get(label);
      if (number === undefined) numbers.set(label, number = numbers.size + 1);
      data[row * side + column] = number;
    }
  }
  return { data, height: side, width: side };
}
