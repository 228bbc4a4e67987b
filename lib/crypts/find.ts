/** Crypts as objects: the connected components of a mask, cleaned and, where they touch, cut. */
import type { Mask } from "../image/mod.ts";
import { fillHoles, labelRuns, RunCollector, type RunMask } from "../annotation/mod.ts";
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
  /** Cuts touching crypts apart, see `splitTouching`; default false. `true` is a neck of 0.6. */
  split?: boolean | number;
}

/**
 * The crypts of a mask.
 *
 * @param probability one value a pixel, for {@link Crypt.probability}
 * @throws {RangeError} when the lengths do not fit or a setting is out of range
 */
export function findCrypts(
  mask: Mask,
  options: CryptOptions = {},
  probability: Float32Array | null = null,
): Crypt[] {
  if (mask.data.length !== mask.height * mask.width) {
    throw new RangeError(
      `a mask of ${mask.height} x ${mask.width} needs ${mask.height * mask.width} pixels, ` +
        `got ${mask.data.length}`,
    );
  }
  const runs = new RunCollector(mask.width);
  runs.push(mask.data, probability);
  return [...cryptsOf(runs.finish(), options)];
}

/**
 * {@link findCrypts} for masks as runs, one crypt at a time: no crypt is kept.
 *
 * @throws {RangeError} when a setting is out of range
 */
export function* cryptsOf(runs: RunMask, options: CryptOptions = {}): Generator<Crypt> {
  const { minArea = 1, maxHole = Infinity, split = false } = options;
  if (!(minArea >= 0)) throw new RangeError(`minArea must be >= 0 pixels, got ${minArea}`);
  if (!(maxHole >= 0)) throw new RangeError(`maxHole must be >= 0 pixels, got ${maxHole}`);
  const boxes = boxesOf(runs);
  const swallowed = new Set<number>();
  let id = 0;
  for (const [index, box] of boxes.entries()) {
    if (swallowed.has(index) || (box.bottom - box.top) * (box.right - box.left) < minArea) continue;
    const drawn = draw(runs, box);
    const { height, width } = drawn;
    if (maxHole > 0) {
      const full = fillHoles(drawn.mask, height, width, maxHole);
      if (full.filled > 0) {
        // What lay in a filled hole is part of this crypt now.
        for (const other of inside(boxes, index)) {
          const first = boxes[other].runs[0];
          const y = boxes[other].top - box.top, x = runs.start[first] - box.left;
          if (full.mask[y * width + x] !== 0) swallowed.add(other);
        }
        drawn.mask = full.mask;
      }
    }
    const parts = split === false
      ? [drawn]
      : separate(drawn, split === true ? 0.6 : split, Math.max(1, minArea));
    for (const part of parts) {
      let area = 0;
      for (const value of part.mask) area += value;
      if (area < minArea) continue;
      const { top, left, height, width, mask } = part;
      const border = top === 0 || left === 0 || top + height === runs.height ||
        left + width === runs.width;
      const probability = meanProbability(part, runs, box);
      yield { id: ++id, top, left, height, width, mask, area, probability, border };
    }
  }
}

interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
  /** Indices of the component's runs, and the row of each. */
  runs: number[];
  rows: number[];
}

interface Drawn {
  top: number;
  left: number;
  height: number;
  width: number;
  mask: Uint8Array;
}

function boxesOf(runs: RunMask): Box[] {
  const { labels, count } = labelRuns(runs);
  const boxes = Array.from({ length: count }, (): Box => ({
    top: Infinity,
    bottom: 0,
    left: Infinity,
    right: 0,
    runs: [],
    rows: [],
  }));
  for (let y = 0; y < runs.height; y++) {
    for (let i = runs.rowStart[y]; i < runs.rowStart[y + 1]; i++) {
      const box = boxes[labels[i]];
      if (box.runs.length === 0) box.top = y;
      box.bottom = y + 1;
      if (runs.start[i] < box.left) box.left = runs.start[i];
      if (runs.end[i] > box.right) box.right = runs.end[i];
      box.runs.push(i);
      box.rows.push(y);
    }
  }
  return boxes;
}

/** Components whose box lies within that of another. They come behind it: it begins above them. */
function inside(boxes: readonly Box[], index: number): number[] {
  const { bottom, left, right } = boxes[index], found: number[] = [];
  for (let i = index + 1; i < boxes.length && boxes[i].top < bottom; i++) {
    const box = boxes[i];
    if (box.bottom < bottom && box.left > left && box.right < right) found.push(i);
  }
  return found;
}

function draw(runs: RunMask, box: Box): Drawn {
  const { top, left } = box, height = box.bottom - top, width = box.right - left;
  const mask = new Uint8Array(height * width);
  box.runs.forEach((run, i) => {
    const row = (box.rows[i] - top) * width - left;
    mask.fill(1, row + runs.start[run], row + runs.end[run]);
  });
  return { top, left, height, width, mask };
}

/** The parts of a component, each in its own box. */
function separate(whole: Drawn, neck: number, smallest: number): Drawn[] {
  const { height, width, mask } = whole;
  const { labels, count } = splitTouching(mask, height, width, neck, smallest);
  if (count <= 1) return [whole];
  return Array.from({ length: count }, (_, part) => {
    let top = height, bottom = 0, left = width, right = 0;
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] !== part + 1) continue;
      const y = Math.floor(i / width), x = i % width;
      if (y < top) top = y;
      if (y >= bottom) bottom = y + 1;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
    }
    const out = new Uint8Array((bottom - top) * (right - left));
    for (let y = top, o = 0; y < bottom; y++) {
      for (let x = left; x < right; x++) out[o++] = labels[y * width + x] === part + 1 ? 1 : 0;
    }
    return {
      top: whole.top + top,
      left: whole.left + left,
      height: bottom - top,
      width: right - left,
      mask: out,
    };
  });
}

/** Over the predicted pixels of a part: those of the component's runs, not the holes filled. */
function meanProbability(part: Drawn, runs: RunMask, box: Box): number | null {
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
