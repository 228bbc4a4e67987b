/** Closed outlines in µm and their rasters: filled labels, distances from edges. */
import type { Canvas } from "./canvas.ts";
import { PIXEL_SIZE } from "./plan.ts";

/** A closed polygon: x0, y0, x1, y1, … in µm. */
export type Outline = Float64Array;

/** Writes `label` into every still unlabelled pixel whose centre lies inside (even-odd rule). */
export function fillOutline(canvas: Canvas, outline: Outline, label: number): void {
  const { labels, width, height } = canvas;
  const { top, bottom } = bounds(outline);
  const first = Math.max(0, Math.ceil(top / PIXEL_SIZE - 0.5));
  const last = Math.min(height - 1, Math.floor(bottom / PIXEL_SIZE - 0.5));
  for (let row = first; row <= last; row++) {
    const y = (row + 0.5) * PIXEL_SIZE;
    const crossings = crossingsAt(outline, y);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] / PIXEL_SIZE - 0.5));
      const to = Math.min(width - 1, Math.ceil(crossings[k + 1] / PIXEL_SIZE - 0.5) - 1);
      for (let i = row * width + from; i <= row * width + to; i++) {
        if (labels[i] === 0) labels[i] = label;
      }
    }
  }
}

function crossingsAt(outline: Outline, y: number): number[] {
  const found: number[] = [];
  const n = outline.length;
  for (let k = 0; k < n; k += 2) {
    const x0 = outline[k], y0 = outline[k + 1];
    const x1 = outline[(k + 2) % n], y1 = outline[(k + 3) % n];
    if ((y0 <= y) !== (y1 <= y)) found.push(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
  }
  return found.sort((a, b) => a - b);
}

/** The box round an outline. */
export function bounds(outline: Outline) {
  let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
  for (let k = 0; k < outline.length; k += 2) {
    left = Math.min(left, outline[k]);
    right = Math.max(right, outline[k]);
    top = Math.min(top, outline[k + 1]);
    bottom = Math.max(bottom, outline[k + 1]);
  }
  return { left, right, top, bottom };
}

/** Area in µm² (shoelace formula). */
export function outlineArea(outline: Outline): number {
  let twice = 0;
  const n = outline.length;
  for (let k = 0; k < n; k += 2) {
    twice += outline[k] * outline[(k + 3) % n] - outline[(k + 2) % n] * outline[k + 1];
  }
  return Math.abs(twice) / 2;
}

/** A point of an outline and the inward direction there. */
export interface Foothold {
  x: number;
  y: number;
  /** Radians. */
  inward: number;
}

/** Points along an outline given clockwise on screen; `step` draws each distance to the next, µm. */
export function* walkOutline(outline: Outline, step: () => number): Generator<Foothold> {
  const n = outline.length;
  let wait = step() / 2;
  for (let k = 0; k < n; k += 2) {
    const x0 = outline[k], y0 = outline[k + 1];
    const dx = outline[(k + 2) % n] - x0, dy = outline[(k + 3) % n] - y0;
    const length = Math.hypot(dx, dy);
    while (wait < length) {
      const t = wait / length;
      yield { x: x0 + t * dx, y: y0 + t * dy, inward: Math.atan2(dx, -dy) };
      wait += step();
    }
    wait -= length;
  }
}

/** {@link edgeDistances} counts in fifths of a pixel. */
const STEP = 5;

/** µm per unit of {@link edgeDistances}. */
export const DISTANCE_UNIT = PIXEL_SIZE / STEP;

/**
 * For every pixel the distance to the nearest edge between labels, inside and outside alike, in
 * units of {@link DISTANCE_UNIT} (5-7-11 chamfer distance, Borgefors 1986: within 2% of Euclid).
 */
export function edgeDistances(labels: Uint16Array, height: number, width: number): Uint16Array {
  const far = 60000;
  const out = new Uint16Array(height * width).fill(far);
  for (let row = 0; row < height; row++) {
    for (let column = 0, i = row * width; column < width; column++, i++) {
      const right = column + 1 < width && labels[i] !== labels[i + 1];
      const below = row + 1 < height && labels[i] !== labels[i + width];
      if (right) out[i] = out[i + 1] = 2;
      if (below) out[i] = out[i + width] = 2;
    }
  }
  const offsets = [
    [0, -1, 5],
    [-1, -1, 7],
    [-1, 0, 5],
    [-1, 1, 7],
    [-1, -2, 11],
    [-1, 2, 11],
    [-2, -1, 11],
    [-2, 1, 11],
  ];
  for (const sign of [1, -1]) {
    const moves = offsets.map(([r, c, cost]) => ({ r: sign * r, c: sign * c, cost }));
    for (let k = 0; k < height; k++) {
      const row = sign > 0 ? k : height - 1 - k;
      for (let m = 0; m < width; m++) {
        const column = sign > 0 ? m : width - 1 - m;
        const i = row * width + column;
        let best = out[i];
        for (const { r, c, cost } of moves) {
          const y = row + r, x = column + c;
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          const through = out[y * width + x] + cost;
          if (through < best) best = through;
        }
        out[i] = best;
      }
    }
  }
  return out;
}
