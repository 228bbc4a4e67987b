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
  /** The class: whether any pixel of the tile is crypt. */
  crypt: boolean;
  /** Share of the tile's pixels that are crypt, in [0, 1]; padding counts as background. */
  cryptShare: number;
  /** Who the image is from, where the data set says. */
  donor: string | null;
}

/** Features of all tiles, row-major: `values[row * columns + column]`, `labels[row]`. */
export interface FeatureTable {
  values: Float32Array<ArrayBuffer>;
  rows: number;
  columns: number;
  labels: TileLabel[];
  /** Tiles that were left out because they show no tissue. */
  leftOut: number;
}
