/** Where the windows of inference lie and how much each pixel of one counts. */

/** The settings that place and weigh windows; names and defaults of the second group are MONAI's. */
export interface WindowOptions {
  /** Side of the square windows in pixels. */
  tile: number;
  /**
   * `"original"`: edge to edge from the top left, the last ones reaching beyond the image.
   * `"sliding"`: overlapping, the last ones moved back inside.
   */
  mode: "original" | "sliding";
  /** Overlap of neighbouring sliding windows as a fraction of their side, in [0, 1); default 0.25. */
  overlap?: number;
  /** How sliding windows are blended; default `"gaussian"`. */
  weights?: "constant" | "gaussian";
  /** The Gaussian's standard deviation as a fraction of the side; default 0.125. */
  sigma?: number;
}

/** Weights are floored here, so that the image's border, which one window sees, is not 0 / 0. */
const SMALLEST_WEIGHT = 1e-3;

/**
 * First pixels of the windows along one side of an image, ascending.
 *
 * In sliding mode as MONAI's `dense_patch_slices`: steps of `floor(tile * (1 - overlap))`, at least
 * one pixel, the last window moved back to the border. A side smaller than a window has one window
 * at 0.
 *
 * @param length of the side in pixels
 * @throws {RangeError} when the overlap is not in [0, 1) or a length is no positive integer
 */
export function windowStarts(length: number, options: WindowOptions): number[] {
  const { tile, mode, overlap = 0.25 } = options;
  for (const [name, value] of Object.entries({ length, tile })) {
    if (!(Number.isInteger(value) && value > 0)) {
      throw new RangeError(`${name} must be a positive integer, got ${value}`);
    }
  }
  if (!(overlap >= 0 && overlap < 1)) {
    throw new RangeError(`overlap must be in [0, 1), got ${overlap}`);
  }
  const sliding = mode === "sliding";
  const step = sliding ? Math.max(1, Math.floor(tile * (1 - overlap))) : tile;
  const starts = [0];
  while (starts.at(-1)! + tile < length) {
    const next = starts.at(-1)! + step;
    starts.push(sliding ? Math.min(next, length - tile) : next);
  }
  return starts;
}

/**
 * The weight of each pixel of a window, row-major, in (0, 1]: ones, or MONAI's
 * `compute_importance_map` in its mode `"gaussian"`, floored at 1e-3.
 *
 * @throws {RangeError} when sigma is not positive
 */
export function windowWeights(options: WindowOptions): Float32Array {
  const { tile, mode, weights = "gaussian", sigma = 0.125 } = options;
  const out = new Float32Array(tile * tile);
  if (mode === "original" || weights === "constant") return out.fill(1);
  if (!(sigma > 0)) throw new RangeError(`sigma must be > 0, got ${sigma}`);
  const line = Float64Array.from(
    { length: tile },
    (_, i) => Math.exp(-((i - (tile - 1) / 2) ** 2) / (2 * (sigma * tile) ** 2)),
  );
  for (let y = 0, i = 0; y < tile; y++) {
    for (let x = 0; x < tile; x++) out[i++] = Math.max(line[y] * line[x], SMALLEST_WEIGHT);
  }
  return out;
}
