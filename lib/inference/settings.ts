/** Everything that decides a segmentation, checked before anything is opened. */
import { type CryptOptions, smallestCrypt } from "../crypts/mod.ts";
import { windowStarts, windowWeights } from "../stitching/mod.ts";
import type { PredictOptions } from "./bands.ts";
import { symmetries } from "./tta.ts";

/** A model of the smallest encoder needs about 20 GB for a tile of this side. */
export const LARGEST_TILE = 8192;

/** What counts as a crypt, in pixels of the full image or in µm². The mask is not changed by it. */
export interface CryptSettings extends CryptOptions {
  /** The smallest crypt in pixels; default: from {@link minAreaUm2}. */
  minArea?: number;
  /** The smallest crypt where the pixel size is known; default 200 µm², see `smallestCrypt`. */
  minAreaUm2?: number;
}

/** How an opened image is segmented. */
export interface SegmentSettings extends PredictOptions {
  /** Probabilities above it are crypt; default 0.5. */
  threshold?: number;
  /**
   * Boundary models: crypts grow from where p(interior) - p(boundary) is at least this, in [0, 1); default 0.
   * A greater margin parts more of what touches.
   */
  interior?: number;
  crypts?: CryptSettings;
}

/**
 * Checks all settings, before any image or model is opened.
 *
 * @throws {RangeError} naming the setting, what was given and what is expected
 */
export function checkSettings(settings: SegmentSettings): void {
  const { tile, mode, weights, combine, batchSize, threshold = 0.5, crypts = {} } = settings;
  const { interior = 0 } = settings;
  if (!(Number.isInteger(tile) && tile > 0)) {
    throw new RangeError(`tile must be a positive integer, got ${tile}`);
  }
  if (tile > LARGEST_TILE) {
    throw new RangeError(`tile must be at most ${LARGEST_TILE}, got ${tile}`);
  }
  oneOf("mode", mode, ["original", "sliding"]);
  oneOf("weights", weights, ["gaussian", "constant"]);
  oneOf("combine", combine, ["mean", "max"]);
  if (batchSize !== undefined && !(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new RangeError(`batchSize must be a positive integer, got ${batchSize}`);
  }
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`threshold must be in [0, 1], got ${threshold}`);
  }
  if (!(interior >= 0 && interior < 1)) {
    throw new RangeError(`interior must be in [0, 1), got ${interior}`);
  }
  // A small window says as much of overlap, sigma and augmentation as the real one.
  windowStarts(1, settings);
  const { overlap = 0.25 } = settings;
  if (mode === "sliding" && tile > 1 && tile * (1 - overlap) < 1) {
    throw new RangeError(`overlap ${overlap} moves windows of ${tile} px by less than a pixel`);
  }
  windowWeights({ ...settings, tile: 1 });
  symmetries(settings.tta ?? "none", 1);
  const { minArea, minAreaUm2, maxHole, split, minProbability = 0, markers = {} } = crypts;
  if (!(minProbability >= 0 && minProbability <= 1)) {
    throw new RangeError(`minProbability must be in [0, 1], got ${minProbability}`);
  }
  for (const [name, value] of Object.entries({ minArea, minAreaUm2, maxHole, ...markers })) {
    if (value !== undefined && !(value >= 0)) {
      throw new RangeError(`${name} must be a number >= 0, got ${value}`);
    }
  }
  if (typeof split === "number" && !(split >= 0 && split <= 1)) {
    throw new RangeError(`split must be true, false or a neck in [0, 1], got ${split}`);
  }
}

/** The crypt options for an image, with the smallest crypt in its pixels. */
export function cryptOptions(settings: CryptSettings = {}, pixelSize: number | null): CryptOptions {
  const { minAreaUm2, ...options } = settings;
  return { ...options, minArea: settings.minArea ?? smallestCrypt(pixelSize, minAreaUm2) };
}

/** One sentence where a limit in µm² could not be used, and what was used instead; else none. */
export function cryptConcerns(
  { minArea, minAreaUm2 }: CryptSettings = {},
  pixelSize: number | null,
): string[] {
  if (pixelSize !== null || minArea !== undefined || minAreaUm2 === undefined) return [];
  return [
    `the smallest crypt of ${minAreaUm2} µm² could not be used, that of ` +
    `${smallestCrypt(null)} pixels was`,
  ];
}

function oneOf(name: string, value: string | undefined, known: readonly string[]): void {
  if (value !== undefined && !known.includes(value)) {
    throw new RangeError(`${name} must be one of ${known.join(", ")}, got "${value}"`);
  }
}
