/** Dice of a prediction tile by tile, to colour an embedding by how well the model does there. */
import type { Mask } from "../../image/mod.ts";
import type { TileLabel } from "./table.ts";

/**
 * Dice of `predicted` against `truth` in each tile of one image, in [0, 1]; null where neither has
 * crypt, since there is nothing to agree on.
 *
 * @param labels the image's tiles; their corners count in pixels of the masks
 * @throws {RangeError} when the masks differ in size
 */
export function tileDice(
  labels: readonly Pick<TileLabel, "row" | "column">[],
  tile: number,
  predicted: Mask,
  truth: Mask,
): (number | null)[] {
  if (predicted.height !== truth.height || predicted.width !== truth.width) {
    throw new RangeError(
      `prediction (${predicted.height} x ${predicted.width}) and truth ` +
        `(${truth.height} x ${truth.width}) must have one size`,
    );
  }
  const { height, width } = truth;
  return labels.map(({ row, column }) => {
    let both = 0, sum = 0;
    for (let r = row; r < Math.min(row + tile, height); r++) {
      for (let c = column; c < Math.min(column + tile, width); c++) {
        const p = predicted.data[r * width + c] ? 1 : 0, t = truth.data[r * width + c] ? 1 : 0;
        both += p & t;
        sum += p + t;
      }
    }
    return sum ? 2 * both / sum : null;
  });
}
