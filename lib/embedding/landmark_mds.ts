/** Metric multidimensional scaling of many points: some of them exactly, the others laid in. */
import type { Random } from "../base/mod.ts";
import { type Matrix, rowsAt } from "./distances.ts";
import { RowDistances } from "./rows.ts";
import { smacof, type SmacofOptions } from "./smacof.ts";

/** Points whose places SMACOF finds; default 1000. */
export const LANDMARKS = 1000;

/** Rows that are placed at a time. */
const BLOCK = 512;

/** Settings of {@link landmarkMds}. */
export interface LandmarkOptions extends Pick<SmacofOptions, "random" | "iterations"> {
  /** At least 3; default {@link LANDMARKS}, at most all rows. */
  landmarks?: number;
  onProgress?: (done: number, total: number) => void;
}

/**
 * SMACOF of landmarks drawn at random, then each other row where the raw stress between it and the
 * landmarks is least (majorization, from the place of linear least squares; de Silva and Tenenbaum
 * 2004 stop there). Time and memory grow with rows times landmarks.
 *
 * @returns interleaved coordinates
 * @throws {RangeError} for fewer than 3 landmarks
 */
export function landmarkMds(table: Matrix, options: LandmarkOptions): Float32Array {
  const { rows } = table, { random, onProgress } = options;
  const count = Math.min(options.landmarks ?? LANDMARKS, rows);
  if (!(count >= 3)) throw new RangeError(`MDS needs at least 3 landmarks, got ${count}`);
  const chosen = drawRows(random, rows, count);
  const landmarks = rowsAt(table, chosen);
  const between = new RowDistances(landmarks);
  const own = between.between(Int32Array.from(chosen, (_, i) => i), landmarks);
  const fixed = smacof(own, count, {
    random,
    iterations: options.iterations,
    onProgress: (done, total) => onProgress?.(done * rows / 2, total * rows),
  });
  const xy = new Float32Array(2 * rows), start = linearPlaces(own, fixed);
  const others = Int32Array.from({ length: rows }, (_, i) => i);
  for (let from = 0; from < rows; from += BLOCK) {
    const block = others.subarray(from, from + BLOCK), distances = between.between(block, table);
    for (let i = 0; i < block.length; i++) {
      const d = distances.subarray(i * count, (i + 1) * count);
      xy.set(place(d, fixed, start(d)), 2 * (from + i));
    }
    onProgress?.(rows + from, 2 * rows);
  }
  chosen.forEach((row, i) => xy.set(fixed.subarray(2 * i, 2 * i + 2), 2 * row));
  return xy;
}

/** `count` different rows in ascending order. */
export function drawRows(random: Random, rows: number, count: number): Int32Array {
  const all = random.shuffle(Array.from({ length: rows }, (_, i) => i));
  return Int32Array.from(all.slice(0, count)).sort();
}

/**
 * Where squared distances to the landmarks put a point by linear least squares: with centred places
 * Y, x = -1/2 (Y'Y)^-1 Y' (d^2 - mean of the landmarks' own d^2).
 */
function linearPlaces(own: Float64Array, fixed: Float32Array) {
  const n = fixed.length / 2, mean = new Float64Array(n), middle = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) mean[i] += own[i * n + j] ** 2 / n;
    middle[0] += fixed[2 * i] / n;
    middle[1] += fixed[2 * i + 1] / n;
  }
  let xx = 0, xy = 0, yy = 0;
  for (let i = 0; i < n; i++) {
    const x = fixed[2 * i] - middle[0], y = fixed[2 * i + 1] - middle[1];
    [xx, xy, yy] = [xx + x * x, xy + x * y, yy + y * y];
  }
  const determinant = xx * yy - xy * xy || 1;
  return (d: Float64Array): [number, number] => {
    let bx = 0, by = 0;
    for (let i = 0; i < n; i++) {
      const gap = -(d[i] ** 2 - mean[i]) / 2;
      bx += gap * (fixed[2 * i] - middle[0]);
      by += gap * (fixed[2 * i + 1] - middle[1]);
    }
    return [
      middle[0] + (yy * bx - xy * by) / determinant,
      middle[1] + (xx * by - xy * bx) / determinant,
    ];
  };
}

/** The point whose distances to `fixed` come nearest to `d`, by majorization from `start`. */
function place(d: Float64Array, fixed: Float32Array, start: [number, number]): [number, number] {
  const n = d.length;
  let [x, y] = start, before = Infinity;
  for (let step = 0; step < 300; step++) {
    let stress = 0, nextX = 0, nextY = 0;
    for (let i = 0; i < n; i++) {
      const dx = x - fixed[2 * i], dy = y - fixed[2 * i + 1], now = Math.sqrt(dx * dx + dy * dy);
      stress += (now - d[i]) ** 2;
      // A point on a landmark is pulled nowhere by it, as in SMACOF.
      const pull = now > 1e-12 ? d[i] / now : 0;
      nextX += fixed[2 * i] + pull * dx;
      nextY += fixed[2 * i + 1] + pull * dy;
    }
    if (before - stress <= 1e-6 * stress) break;
    before = stress;
    x = nextX / n;
    y = nextY / n;
  }
  return [x, y];
}
