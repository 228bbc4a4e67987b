/** Which predicted and which true crypts belong together, and how well they agree (GlaS 2015). */
import type { Crypt } from "../crypts/mod.ts";
import { squaredDistance } from "../annotation/mod.ts";

/** Agreement of predicted and true crypts, as the GlaS challenge scores it. */
export interface ObjectScores {
  /** Number of predicted crypts that cover more than half of the true crypt they overlap most. */
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  precision: number;
  recall: number;
  /** Of detection, at 50% overlap. */
  f1: number;
  /** Object-level Dice, in [0, 1]. */
  objectDice: number;
  /** Object-level Hausdorff distance in pixels; Infinity when only one side has crypts. */
  objectHausdorff: number;
  /** What the two are means of, so that several images can be scored together. */
  sums: { predicted: SideSums; truth: SideSums };
}

/** Sums over the crypts of one side of an image, weighted by their areas. */
export interface SideSums {
  /** Pixels of all crypts. */
  area: number;
  /** Area times Dice with the partner. */
  dice: number;
  /** Area times Hausdorff distance in pixels; Infinity when the other side has no crypt. */
  hausdorff: number;
}

/** Pixels that crypts share, found once for all scores. */
export interface Overlaps {
  predicted: readonly Crypt[];
  truth: readonly Crypt[];
  /** For each predicted crypt: shared pixels by index of the true crypt. */
  byPredicted: Map<number, number>[];
  /** For each true crypt: shared pixels by index of the predicted crypt. */
  byTruth: Map<number, number>[];
}

/** Counts the pixels shared by each predicted and each true crypt of an image. */
export function overlapCrypts(predicted: readonly Crypt[], truth: readonly Crypt[]): Overlaps {
  const byPredicted = predicted.map(() => new Map<number, number>());
  const byTruth = truth.map(() => new Map<number, number>());
  predicted.forEach((p, i) => {
    truth.forEach((t, j) => {
      const shared = sharedPixels(p, t);
      if (shared === 0) return;
      byPredicted[i].set(j, shared);
      byTruth[j].set(i, shared);
    });
  });
  return { predicted, truth, byPredicted, byTruth };
}

/** The partner that shares most pixels (the first of equals, as MATLAB's `mode`); -1 without one. */
export function bestPartner(shared: ReadonlyMap<number, number>): number {
  let best = -1, most = 0;
  for (const [index, pixels] of shared) {
    if (pixels > most || (pixels === most && index < best)) [best, most] = [index, pixels];
  }
  return best;
}

/**
 * The GlaS challenge's scores of an image (Sirinukunwattana et al., "Gland segmentation in colon
 * histology images: The GlaS challenge contest", 2017; definitions of its evaluation code v6). Where
 * both sides are empty all is perfect; where one is, F1 and object Dice are 0.
 *
 * @param distances false: Hausdorff distances, which take nearly all of the time, are NaN
 */
export function scoreObjects(overlaps: Overlaps, distances = true): ObjectScores {
  const { predicted, truth, byPredicted } = overlaps;
  let truePositives = 0;
  byPredicted.forEach((shared) => {
    const partner = bestPartner(shared);
    if (partner >= 0 && shared.get(partner)! > 0.5 * truth[partner].area) truePositives++;
  });
  const falsePositives = predicted.length - truePositives;
  const falseNegatives = truth.length - truePositives;
  const both = predicted.length + truth.length;
  const share = (of: number) => of > 0 ? truePositives / of : both === 0 ? 1 : 0;
  const sums = sidesOf(overlaps, distances);
  const mean = (what: "dice" | "hausdorff") =>
    (sums.predicted[what] / sums.predicted.area + sums.truth[what] / sums.truth.area) / 2;
  const empty = predicted.length === 0 || truth.length === 0;
  return {
    truePositives,
    falsePositives,
    falseNegatives,
    precision: share(predicted.length),
    recall: share(truth.length),
    f1: both === 0 ? 1 : 2 * truePositives / both,
    objectDice: !empty ? mean("dice") : both === 0 ? 1 : 0,
    objectHausdorff: !empty ? mean("hausdorff") : both === 0 ? 0 : Infinity,
    sums,
  };
}

/**
 * Of each crypt: Dice with the crypt of the other side that shares most of it, and the Hausdorff
 * distance to that or else to the one that is nearest in that distance; weighted by area.
 */
function sidesOf(
  { predicted, truth, byPredicted, byTruth }: Overlaps,
  distances: boolean,
): ObjectScores["sums"] {
  const known = new Map<string, number>();
  const distance = (p: number, t: number) => {
    const key = `${p} ${t}`;
    let value = known.get(key);
    if (value === undefined) known.set(key, value = hausdorff(predicted[p], truth[t]));
    return value;
  };
  const side = (
    from: readonly Crypt[],
    to: readonly Crypt[],
    shared: readonly Map<number, number>[],
    between: (own: number, other: number) => number,
  ): SideSums => {
    const sums = { area: 0, dice: 0, hausdorff: distances ? 0 : NaN };
    from.forEach((crypt, i) => {
      const partner = bestPartner(shared[i]), { area } = crypt;
      const dice = partner < 0 ? 0 : 2 * shared[i].get(partner)! / (area + to[partner].area);
      sums.area += area;
      sums.dice += area * dice;
      if (!distances) return;
      sums.hausdorff += area *
        (partner < 0 ? nearest(crypt, to, (j) => between(i, j)) : between(i, partner));
    });
    return sums;
  };
  return {
    predicted: side(predicted, truth, byPredicted, distance),
    truth: side(truth, predicted, byTruth, (t, p) => distance(p, t)),
  };
}

/** The smallest distance to one of `others`; boxes give a lower bound that spares most of them. */
function nearest(
  crypt: Crypt,
  others: readonly Crypt[],
  distance: (index: number) => number,
): number {
  const order = others.map((other, index) => ({ index, bound: boxBound(crypt, other) }))
    .sort((a, b) => a.bound - b.bound);
  let best = Infinity;
  for (const { index, bound } of order) {
    if (bound >= best) break;
    best = Math.min(best, distance(index));
  }
  return best;
}

/** The outermost pixel of one crypt is at least this far from any pixel of the other. */
function boxBound(a: Crypt, b: Crypt): number {
  return Math.max(
    Math.abs(a.top - b.top),
    Math.abs(a.left - b.left),
    Math.abs(a.top + a.height - b.top - b.height),
    Math.abs(a.left + a.width - b.left - b.width),
  );
}

/** Hausdorff distance between the pixel centres of two crypts, in pixels. */
export function hausdorff(a: Crypt, b: Crypt): number {
  const top = Math.min(a.top, b.top), left = Math.min(a.left, b.left);
  const height = Math.max(a.top + a.height, b.top + b.height) - top;
  const width = Math.max(a.left + a.width, b.left + b.width) - left;
  const place = (crypt: Crypt) => {
    const out = new Uint8Array(height * width);
    for (let y = 0; y < crypt.height; y++) {
      out.set(
        crypt.mask.subarray(y * crypt.width, (y + 1) * crypt.width),
        (crypt.top - top + y) * width + crypt.left - left,
      );
    }
    return out;
  };
  const inA = place(a), inB = place(b);
  const toA = squaredDistance(inA, height, width), toB = squaredDistance(inB, height, width);
  let largest = 0;
  for (let i = 0; i < inA.length; i++) {
    if (inA[i] !== 0 && toB[i] > largest) largest = toB[i];
    if (inB[i] !== 0 && toA[i] > largest) largest = toA[i];
  }
  return Math.sqrt(largest);
}

function sharedPixels(a: Crypt, b: Crypt): number {
  const top = Math.max(a.top, b.top), bottom = Math.min(a.top + a.height, b.top + b.height);
  const left = Math.max(a.left, b.left), right = Math.min(a.left + a.width, b.left + b.width);
  let shared = 0;
  for (let y = top; y < bottom; y++) {
    const ra = (y - a.top) * a.width - a.left, rb = (y - b.top) * b.width - b.left;
    for (let x = left; x < right; x++) shared += a.mask[ra + x] & b.mask[rb + x];
  }
  return shared;
}
