/** Columns and rows of a grid made wider and narrower. */
import { ends, type Range } from "./range.ts";
import type { Augmentation } from "./types.ts";
import { type Field, warping } from "./warp.ts";

/** The ranges of {@link gridDistortion}. */
export interface GridDistortionOptions {
  /** Cells along each side; default 5. */
  steps?: number;
  /** By which share a cell's size changes; default ±0.3. */
  distort?: Range;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `GridDistortion` of albumentations 1.1, the strip left over at the right and bottom included,
 * whose end always maps to the end of the picture.
 *
 * @throws {RangeError} when `steps` is no positive integer
 */
export function gridDistortion(options: GridDistortionOptions = {}): Augmentation {
  const { steps = 5, probability = 0.5 } = options;
  const distort = ends(options.distort ?? 0.3, "GridDistortion distort");
  if (!(Number.isInteger(steps) && steps > 0)) {
    throw new RangeError(`GridDistortion steps: expected a positive integer, got ${steps}`);
  }
  return warping("GridDistortion", probability, (height, width, random) => {
    const factors = () => Array.from({ length: steps + 1 }, () => 1 + random.uniform(...distort));
    const across = factors(), down = factors();
    return gridField(height, width, across, down);
  });
}

/**
 * The field for fixed factors.
 *
 * @param across the factors of the columns of cells: one more than there are cells, for the strip
 * @param down the factors of the rows of cells
 */
export function gridField(
  height: number,
  width: number,
  across: readonly number[],
  down: readonly number[],
): Field {
  const columns = positions(width, across), rows = positions(height, down);
  return (row, x, y) => {
    x.set(columns);
    y.fill(rows[row]);
  };
}

function positions(size: number, factors: readonly number[]): Float64Array {
  const out = new Float64Array(size), cell = Math.floor(size / (factors.length - 1));
  let before = 0;
  factors.forEach((factor, i) => {
    const start = i * cell, end = Math.min(start + cell, size), count = end - start;
    const after = start + cell > size ? size : before + cell * factor;
    for (let k = 0; k < count; k++) {
      out[start + k] = before + (count > 1 ? (after - before) * k / (count - 1) : 0);
    }
    before = after;
  });
  return out;
}
