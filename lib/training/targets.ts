/** What the network is to predict: classes and weights by pixel, computed from one value per crypt. */
import { squaredDistance } from "../annotation/mod.ts";
import type { Mask } from "../image/mod.ts";

/** Names of targets: `"crypt"` has two classes as the original, `"boundary"` three. */
export const TARGETS = ["crypt", "boundary"] as const;
/** See {@link TARGETS}. */
export type Target = typeof TARGETS[number];

/** How a mask becomes classes and weights. */
export interface TargetOptions {
  /**
   * `"crypt"`: 0 background, 1 crypt. `"boundary"`: 0 background, 1 interior, 2 boundary, that is the
   * pixels of a crypt within `boundaryWidth` of a pixel that does not belong to it (background or
   * another crypt; the edge of the image is no border). For both, crypt = not 0.
   */
  target: Target;
  /** In pixels of the sample; default 2. */
  boundaryWidth?: number;
  /** Greatest extra weight of a pixel in a gap between two crypts, w0 of {@link gapWeights}; default 0: none. */
  gapWeight?: number;
  /** Width of the gaps that weigh more, sigma of {@link gapWeights} in pixels; default 3. */
  gapWidth?: number;
}

/** Classes and weights of one sample, row-major. */
export interface TargetMaps {
  /** 0, 1 and (`"boundary"`) 2. */
  classes: Uint8Array;
  /** At least 1; null where every pixel weighs the same. */
  weights: Float32Array | null;
}

/** The number of classes of a target. */
export function classesOf(target: Target): number {
  return target === "boundary" ? 3 : 2;
}

/** Whether masks must tell crypts apart for this target. */
export function needsLabels({ target, gapWeight = 0 }: TargetOptions): boolean {
  return target === "boundary" || gapWeight > 0;
}

/**
 * @throws {RangeError} naming the setting that is out of its range
 */
export function checkTarget(options: TargetOptions): void {
  const { target, boundaryWidth = 2, gapWeight = 0, gapWidth = 3 } = options;
  if (!TARGETS.includes(target)) {
    throw new RangeError(`target must be one of ${TARGETS.join(", ")}, got "${target}"`);
  }
  const need = (name: string, value: number, fits: boolean, what: string) => {
    if (!(fits && Number.isFinite(value))) {
      throw new RangeError(`${name} must be ${what}, got ${value}`);
    }
  };
  need("boundaryWidth", boundaryWidth, boundaryWidth >= 1, "at least 1 px");
  need("gapWeight", gapWeight, gapWeight >= 0, "at least 0");
  need("gapWidth", gapWidth, gapWidth > 0, "positive");
}

/**
 * Classes and weights of a sample.
 *
 * @param mask 0 background, else one value per crypt (for `"crypt"` without weights any value)
 * @example
 * ```ts
 * const mask = { data: Uint8Array.of(0, 1, 1, 1, 1, 1, 0), height: 1, width: 7 };
 * targetMaps(mask, { target: "boundary", boundaryWidth: 1 }).classes; // 0 2 1 1 1 2 0
 * ```
 */
export function targetMaps(mask: Mask, options: TargetOptions): TargetMaps {
  const { target, boundaryWidth = 2, gapWeight = 0, gapWidth = 3 } = options;
  if (!needsLabels(options)) {
    return { classes: mask.data.map((value) => value === 0 ? 0 : 1), weights: null };
  }
  const boxes = boundingBoxes(mask);
  const classes = target === "boundary"
    ? boundaryClasses(mask, boxes, boundaryWidth)
    : mask.data.map((value) => value === 0 ? 0 : 1);
  const weights = gapWeight > 0 ? gapWeights(mask, gapWeight, gapWidth, boxes) : null;
  return { classes, weights };
}

/** Rows and columns that an object spans, ends included. */
interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

function boundingBoxes({ data, height, width }: Mask): Map<number, Box> {
  const boxes = new Map<number, Box>();
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const value = data[i];
      if (value === 0) continue;
      const box = boxes.get(value);
      if (!box) {
        boxes.set(value, { top: y, bottom: y, left: x, right: x });
        continue;
      }
      box.bottom = y;
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
    }
  }
  return boxes;
}

/** The box with a margin, cut at the edges of the mask. */
function widened(box: Box, margin: number, { height, width }: Mask): Box {
  return {
    top: Math.max(0, box.top - margin),
    bottom: Math.min(height - 1, box.bottom + margin),
    left: Math.max(0, box.left - margin),
    right: Math.min(width - 1, box.right + margin),
  };
}

/** Squared distances inside of `box` to the pixels of which `marks(value)` holds. */
function distancesIn(mask: Mask, box: Box, marks: (value: number) => boolean) {
  const height = box.bottom - box.top + 1, width = box.right - box.left + 1;
  const marked = new Uint8Array(height * width);
  for (let y = 0, i = 0; y < height; y++) {
    const row = (box.top + y) * mask.width + box.left;
    for (let x = 0; x < width; x++, i++) if (marks(mask.data[row + x])) marked[i] = 1;
  }
  return squaredDistance(marked, height, width);
}

/** Calls `visit(pixel of the mask, position in the box)` for every pixel of `box`. */
function inBox(box: Box, width: number, visit: (pixel: number, at: number) => void): void {
  for (let y = box.top, at = 0; y <= box.bottom; y++) {
    const row = y * width;
    for (let x = box.left; x <= box.right; x++, at++) visit(row + x, at);
  }
}

function boundaryClasses(mask: Mask, boxes: Map<number, Box>, boundaryWidth: number): Uint8Array {
  const classes = new Uint8Array(mask.data.length), limit = boundaryWidth ** 2;
  for (const [label, found] of boxes) {
    // Nothing beyond the margin can be nearer than a boundary's width.
    const box = widened(found, Math.ceil(boundaryWidth), mask);
    const outside = distancesIn(mask, box, (value) => value !== label);
    inBox(box, mask.width, (pixel, at) => {
      if (mask.data[pixel] === label) classes[pixel] = outside[at] <= limit ? 2 : 1;
    });
  }
  return classes;
}

/**
 * Weights that stress narrow gaps: `w = 1 + w0 exp(-(d1 + d2)² / (2 sigma²))`, d1 and d2 being the
 * distances in pixels to the nearest and the second nearest crypt (d1 is 0 on a crypt, so that both
 * sides of a contact weigh more too). Source: Ronneberger, Fischer and Brox, "U-Net", 2015, whose
 * weights are on the background only. Crypts farther than 4 sigma count as absent.
 */
export function gapWeights(
  mask: Mask,
  w0: number,
  sigma: number,
  boxes: Map<number, Box> = boundingBoxes(mask),
): Float32Array {
  const pixels = mask.data.length;
  const nearest = new Float32Array(pixels).fill(Infinity);
  const second = new Float32Array(pixels).fill(Infinity);
  for (const [label, found] of boxes) {
    const box = widened(found, Math.ceil(4 * sigma), mask);
    const squared = distancesIn(mask, box, (value) => value === label);
    inBox(box, mask.width, (pixel, at) => {
      const distance = squared[at];
      if (distance < nearest[pixel]) {
        second[pixel] = nearest[pixel];
        nearest[pixel] = distance;
      } else if (distance < second[pixel]) second[pixel] = distance;
    });
  }
  const weights = new Float32Array(pixels).fill(1), falling = 1 / (2 * sigma ** 2);
  const reach = (4 * sigma) ** 2;
  for (let i = 0; i < pixels; i++) {
    if (second[i] > reach) continue;
    const sum = Math.sqrt(nearest[i]) + Math.sqrt(second[i]);
    weights[i] += w0 * Math.exp(-sum * sum * falling);
  }
  return weights;
}
