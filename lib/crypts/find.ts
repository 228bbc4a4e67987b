/** Crypts as objects: the connected components of a mask, cleaned and, where they touch, cut. */
import { fillHoles, RunCollector, type RunMask } from "../annotation/mod.ts";
import type { Mask } from "../image/mod.ts";
import { type Box, boxesOf, drawBox, type Part, partsOf } from "./boxes.ts";
import { growMarkers, type MarkerOptions } from "./markers.ts";
import { splitTouching } from "./split.ts";

/** One crypt. It owns its pixels: crypts never overlap. */
export interface Crypt {
  /** From 1, in the order of the topmost, then leftmost pixel of its component. */
  id: number;
  /** The box around it, in pixels of the image. */
  top: number;
  left: number;
  height: number;
  width: number;
  /** 0/1 in the box, row-major. */
  mask: Uint8Array;
  /** Pixels. */
  area: number;
  /** Mean probability of its predicted pixels; null where no probabilities were given. */
  probability: number | null;
  /** Whether it touches the image's border, so that part of it may be missing. */
  border: boolean;
}

/** What counts as a crypt. */
export interface CryptOptions {
  /** Objects of fewer pixels are dropped (after holes are filled); default 1. */
  minArea?: number;
  /** Holes up to this many pixels are filled; default all (Infinity), 0 fills none. */
  maxHole?: number;
  /** Cuts touching crypts apart by shape, see `splitTouching`; default false. `true` is a neck of 0.6. */
  split?: boolean | number;
  /**
   * Crypts whose mean probability is lower are dropped, in [0, 1]; default 0. A lower threshold with a
   * higher mean keeps crypts whole and leaves out what the network only suspects. Without
   * probabilities nothing is dropped.
   */
  minProbability?: number;
  /** How crypts grow from their interior where that is given, see `growMarkers`. */
  markers?: MarkerOptions;
}

/** What a network says of a mask beyond yes and no; both have the mask's size. */
export interface CryptMaps {
  /** Probability of each pixel, for {@link Crypt.probability}. */
  probability?: Float32Array | null;
  /** Non-zero well inside of crypts: crypts grow from its components, and `split` is not used. */
  interior?: Uint8Array | null;
}

/**
 * The crypts of a mask.
 *
 * @throws {RangeError} when the lengths do not fit or a setting is out of range
 * @example
 * ```ts
 * import { findCrypts } from "crypts/crypts";
 * const mask = { data: Uint8Array.from([1, 1, 0, 1]), height: 1, width: 4 };
 * findCrypts(mask).map((crypt) => crypt.area); // [2, 1]
 * ```
 */
export function findCrypts(
  mask: Mask,
  options: CryptOptions = {},
  maps: CryptMaps = {},
): Crypt[] {
  const { probability = null, interior = null } = maps, pixels = mask.height * mask.width;
  for (const [name, data] of Object.entries({ mask: mask.data, interior })) {
    if (data && data.length !== pixels) {
      throw new RangeError(
        `a ${name} of ${mask.height} x ${mask.width} needs ${pixels} pixels, got ${data.length}`,
      );
    }
  }
  const runs = new RunCollector(mask.width);
  runs.push(mask.data, probability);
  let inner: RunMask | null = null;
  if (interior) {
    const collector = new RunCollector(mask.width);
    collector.push(interior);
    inner = collector.finish();
  }
  return [...cryptsOf(runs.finish(), options, inner)];
}

/**
 * {@link findCrypts} for masks as runs, one crypt at a time: no crypt is kept.
 *
 * @param interior the runs of {@link CryptMaps.interior}
 * @throws {RangeError} when a setting is out of range or the sizes differ
 */
export function* cryptsOf(
  runs: RunMask,
  options: CryptOptions = {},
  interior: RunMask | null = null,
): Generator<Crypt> {
  const { minArea = 1, maxHole = Infinity, minProbability = 0 } = options;
  if (!(minArea >= 0)) throw new RangeError(`minArea must be >= 0 pixels, got ${minArea}`);
  if (!(maxHole >= 0)) throw new RangeError(`maxHole must be >= 0 pixels, got ${maxHole}`);
  if (!(minProbability >= 0 && minProbability <= 1)) {
    throw new RangeError(`minProbability must be in [0, 1], got ${minProbability}`);
  }
  if (interior && (interior.height !== runs.height || interior.width !== runs.width)) {
    throw new RangeError(
      `the interior is ${interior.height} x ${interior.width}, the mask ${runs.height} x ${runs.width}`,
    );
  }
  const boxes = boxesOf(runs);
  const swallowed = new Set<number>();
  let id = 0;
  for (const [index, box] of boxes.entries()) {
    if (swallowed.has(index) || (box.bottom - box.top) * (box.right - box.left) < minArea) continue;
    const whole = drawBox(runs, box);
    const parts = fillParts(apart(whole, options, interior), maxHole);
    swallow(parts, boxes, index, runs, swallowed);
    for (const part of parts) {
      let area = 0;
      for (const value of part.mask) area += value;
      if (area < minArea) continue;
      const { top, left, height, width, mask } = part;
      const border = top === 0 || left === 0 || top + height === runs.height ||
        left + width === runs.width;
      const probability = meanProbability(part, runs, box);
      if (probability !== null && probability < minProbability) continue;
      yield { id: ++id, top, left, height, width, mask, area, probability, border };
    }
  }
}

/** The parts of a component: grown from its interior, cut at its necks, or itself. */
function apart(whole: Part, options: CryptOptions, interior: RunMask | null): Part[] {
  const { mask, height, width } = whole,
    { split = false, minArea = 1, maxHole = Infinity } = options;
  if (interior) {
    const inner = drawWindow(interior, whole);
    return partsOf(whole, growMarkers(mask, inner, height, width, options.markers));
  }
  if (split === false) return [whole];
  // Without an interior the shape decides, and a lumen would count as a neck.
  const full = maxHole > 0 ? fillHoles(mask, height, width, maxHole).mask : mask;
  const neck = split === true ? 0.6 : split;
  return partsOf(
    { ...whole, mask: full },
    splitTouching(full, height, width, neck, Math.max(1, minArea)),
  );
}

/** The parts with their holes filled; a part within another's hole is part of that. */
function fillParts(parts: Part[], maxHole: number): Part[] {
  if (maxHole === 0) return parts;
  const full = parts.map((part) => {
    const { mask, filled } = fillHoles(part.mask, part.height, part.width, maxHole);
    return { part: { ...part, mask }, filled };
  });
  const holders = full.filter(({ filled }) => filled > 0).map(({ part }) => part);
  return full.map(({ part }) => part)
    .filter((part) =>
      !holders.some((holder) => holder !== part && covers(holder, firstPixel(part)))
    );
}

/** Marks the components that lie in a filled hole of a part. They come behind it. */
function swallow(
  parts: readonly Part[],
  boxes: readonly Box[],
  index: number,
  runs: RunMask,
  swallowed: Set<number>,
): void {
  const { bottom, left, right } = boxes[index];
  for (let i = index + 1; i < boxes.length && boxes[i].top < bottom; i++) {
    const box = boxes[i];
    if (!(box.bottom < bottom && box.left > left && box.right < right)) continue;
    const first = { y: box.top, x: runs.start[box.runs[0]] };
    if (parts.some((part) => covers(part, first))) swallowed.add(i);
  }
}

function firstPixel(part: Part): { y: number; x: number } {
  return { y: part.top, x: part.left + part.mask.indexOf(1) };
}

function covers(part: Part, { y, x }: { y: number; x: number }): boolean {
  const row = y - part.top, column = x - part.left;
  return row >= 0 && row < part.height && column >= 0 && column < part.width &&
    part.mask[row * part.width + column] !== 0;
}

/** The pixels of `runs` in the window of a part, 0/1. */
function drawWindow(runs: RunMask, { top, left, height, width }: Part): Uint8Array {
  const out = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let i = runs.rowStart[top + y]; i < runs.rowStart[top + y + 1]; i++) {
      const from = Math.max(0, runs.start[i] - left), to = Math.min(width, runs.end[i] - left);
      if (from < to) out.fill(1, y * width + from, y * width + to);
    }
  }
  return out;
}

/** Over the predicted pixels of a part: those of the component's runs, not the holes filled. */
function meanProbability(part: Part, runs: RunMask, box: Box): number | null {
  if (!runs.probability) return null;
  let sum = 0, count = 0;
  for (const [i, run] of box.runs.entries()) {
    const y = box.rows[i] - part.top;
    if (y < 0 || y >= part.height) continue;
    const from = Math.max(0, runs.start[run] - part.left);
    const to = Math.min(part.width, runs.end[run] - part.left);
    let pixels = 0;
    for (let x = from; x < to; x++) pixels += part.mask[y * part.width + x];
    sum += pixels * runs.probability[run];
    count += pixels;
  }
  return count > 0 ? sum / count : null;
}
