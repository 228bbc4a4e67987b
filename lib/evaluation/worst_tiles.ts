/** The tiles of an image on which a prediction fits worst. */
import { cropMask, type Mask } from "../image/mod.ts";
import { diceScore } from "../annotation/mod.ts";
import { tilePositions } from "../stitching/mod.ts";

/** A tile and how well the prediction fits there. */
export interface TileScore {
  /** Top-left pixel. */
  row: number;
  column: number;
  height: number;
  width: number;
  dice: number;
}

/**
 * The tiles with crypt in the truth, worst Dice first. Slivers at the right and bottom border, less
 * than half a tile wide or high, are left out: a few pixels make or break their score.
 *
 * @param tile side in pixels
 * @param minCrypt the least share of a tile that is truly crypt, in [0, 1]: where a crypt reaches in with
 *   a few pixels the score says little; default: any crypt
 * @throws {RangeError} when the masks differ in size
 */
export function worstTiles(predicted: Mask, truth: Mask, tile: number, minCrypt = 0): TileScore[] {
  if (predicted.height !== truth.height || predicted.width !== truth.width) {
    throw new RangeError(
      `prediction of ${predicted.height} x ${predicted.width} (height x width) and truth of ` +
        `${truth.height} x ${truth.width} must have the same size`,
    );
  }
  const scores: TileScore[] = [];
  for (const { row, column } of tilePositions(truth.height, truth.width, tile)) {
    const height = Math.min(tile, truth.height - row);
    const width = Math.min(tile, truth.width - column);
    if (Math.min(height, width) < tile / 2) continue;
    const [p, t] = [predicted, truth].map((m) => cropMask(m, row, column, height, width).data);
    const crypt = t.reduce((sum, value) => sum + (value ? 1 : 0), 0);
    if (crypt > 0 && crypt >= minCrypt * height * width) {
      scores.push({ row, column, height, width, dice: diceScore(p, t) });
    }
  }
  return scores.sort((a, b) => a.dice - b.dice);
}
