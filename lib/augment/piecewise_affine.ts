/** A coarse mesh whose points are moved a little. */
import { ends } from "./range.ts";
import type { Augmentation } from "./types.ts";
import { type Field, warping } from "./warp.ts";

/** The settings of {@link piecewiseAffine}. */
export interface PiecewiseAffineOptions {
  /** Standard deviation of a point's move, as a share of the side, from a range; default 0.03 to 0.05. */
  scale?: readonly [low: number, high: number];
  /** Points along each side, at least 2; default 4. */
  points?: number;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `PiecewiseAffine` of albumentations 1.1: a regular mesh over the picture, its points moved by
 * normal draws and kept inside the picture, linear in each triangle.
 *
 * @throws {RangeError} for fewer than 2 points or a range in the wrong order
 */
export function piecewiseAffine(options: PiecewiseAffineOptions = {}): Augmentation {
  const { points = 4, probability = 0.5 } = options;
  const scale = ends(options.scale ?? [0.03, 0.05], "PiecewiseAffine scale");
  if (!(Number.isInteger(points) && points >= 2)) {
    throw new RangeError(
      `PiecewiseAffine points: expected an integer of at least 2, got ${points}`,
    );
  }
  return warping("PiecewiseAffine", probability, (height, width, random) => {
    const deviation = random.uniform(...scale);
    const moves = Float64Array.from(
      { length: 2 * points * points },
      () => random.normal(0, deviation),
    );
    return piecewiseAffineField(height, width, points, moves);
  });
}

/**
 * The field for fixed moves. Each cell of the mesh is cut from its top left to its bottom right
 * corner.
 *
 * @param points along each side
 * @param moves for each point, row by row, its move down and its move to the right, as shares of
 *   height and width
 */
export function piecewiseAffineField(
  height: number,
  width: number,
  points: number,
  moves: Float64Array,
): Field {
  const cells = points - 1, cellHeight = height / cells, cellWidth = width / cells;
  const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const toY = new Float64Array(points * points), toX = new Float64Array(points * points);
  for (let i = 0; i < toY.length; i++) {
    toY[i] = clamp(Math.floor(i / points) * cellHeight + moves[2 * i] * height, height);
    toX[i] = clamp((i % points) * cellWidth + moves[2 * i + 1] * width, width);
  }
  return (row, x, y) => {
    const down = row / cellHeight, cellRow = Math.min(Math.floor(down), cells - 1);
    const v = down - cellRow;
    for (let column = 0; column < width; column++) {
      const across = column / cellWidth, cellColumn = Math.min(Math.floor(across), cells - 1);
      const u = across - cellColumn, a = cellRow * points + cellColumn, d = a + points + 1;
      // Along the diagonal by the smaller share, then on along the side of the larger one.
      const corner = u > v ? a + 1 : a + points;
      const along = Math.min(u, v), side = Math.max(u, v) - along, rest = 1 - along - side;
      x[column] = rest * toX[a] + side * toX[corner] + along * toX[d];
      y[column] = rest * toY[a] + side * toY[corner] + along * toY[d];
    }
  };
}
