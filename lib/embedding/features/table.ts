/** Features with the tile that each row is of. */

/** Which tile a row of features describes. */
export interface TileLabel {
  /** Image id. */
  image: string;
  split: "train" | "test";
  /** Top edge in pixels of the scaled image. */
  row: number;
  /** Left edge in pixels of the scaled image. */
  column: number;
  /** The class: whether the share of crypt reaches `minCryptShare`, by default with any pixel. */
  crypt: boolean;
  /** Share of the tile's pixels that are crypt, in [0, 1]; padding counts as background. */
  cryptShare: number;
  /** Who the image is from, where the data set says. */
  donor: string | null;
}

/**
 * The names of the two classes that `minCryptShare` makes: tiles below it, and the others.
 *
 * @example
 * ```ts
 * import { cryptClasses } from "crypts/embedding";
 * cryptClasses(0.5); // ["under 50% crypt", "50% crypt or more"]
 * ```
 */
export function cryptClasses(minCryptShare: number): [below: string, reached: string] {
  if (minCryptShare === 0) return ["no crypt", "crypt"];
  const percent = `${+(100 * minCryptShare).toFixed(1)}%`;
  return [`under ${percent} crypt`, `${percent} crypt or more`];
}

/** Features of all tiles, row-major: `values[row * columns + column]`, `labels[row]`. */
export interface FeatureTable {
  values: Float32Array<ArrayBuffer>;
  rows: number;
  columns: number;
  labels: TileLabel[];
  /** Tiles that were left out because they show no tissue or lie mostly beyond the image. */
  leftOut: number;
}
