/** The ensemble over an image of any size, window row by window row. */
import { cutTile, type WindowOptions, windowStarts, windowWeights } from "../stitching/mod.ts";
import { checkEnsemble, type TilePredictor } from "./predictor.ts";
import type { RegionSource } from "../image/mod.ts";
import { symmetries, type TestTimeAugmentation } from "./tta.ts";
import { vote } from "./vote.ts";

/** How an image is predicted. */
export interface PredictOptions extends WindowOptions {
  /** Tiles a forward pass; default 4. */
  batchSize?: number;
  /** Over the models of the ensemble; default `"mean"`, as the original. */
  combine?: "mean" | "max";
  /** Views of each tile that are averaged; default `"none"`. */
  tta?: TestTimeAugmentation;
  /** Whether {@link Band.modelDeviation} and {@link Band.viewDeviation} are computed. */
  deviations?: boolean;
  /** Hears the tiles done and their number. */
  onTile?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Finished rows of the result, full width, one value a pixel. */
export interface Band {
  /** First row. */
  top: number;
  height: number;
  probability: Float32Array;
  /** Standard deviation between the models, averaged where windows overlap; null if not asked for. */
  modelDeviation: Float32Array | null;
  /** Standard deviation between the views of test-time augmentation; null if not asked for. */
  viewDeviation: Float32Array | null;
}

/**
 * Predicts an image from top to bottom and yields rows as soon as no later window touches them.
 * Memory follows `tile * width` and not the image.
 *
 * @throws {RangeError} for an empty ensemble, one of different classes, or settings out of range
 * @throws the signal's reason when aborted
 */
export async function* predictBands(
  source: RegionSource,
  ensemble: readonly TilePredictor[],
  options: PredictOptions,
): AsyncGenerator<Band> {
  const { tile, batchSize = 4, combine = "mean", tta = "none", deviations = false } = options;
  checkEnsemble(ensemble, tile);
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new RangeError(`batchSize must be a positive integer, got ${batchSize}`);
  }
  const { height, width } = source;
  const rows = windowStarts(height, options), columns = windowStarts(width, options);
  const weights = windowWeights(options), views = symmetries(tta, tile);
  const total = rows.length * columns.length;
  const blend = new Blend(tile, width, weights, deviations ? 3 : 1);
  let done = 0;
  for (const [r, top] of rows.entries()) {
    const band = await source.read(top, 0, Math.min(tile, height - top), width);
    for (let c = 0; c < columns.length; c += batchSize) {
      options.signal?.throwIfAborted();
      const lefts = columns.slice(c, c + batchSize);
      // Beyond the image is white: empty glass, and the original's padding.
      const tiles = lefts.map((column) => cutTile(band, { row: 0, column }, tile));
      const votes = await vote(ensemble, tiles, tile, views, combine, deviations);
      votes.forEach(({ probability, modelDeviation, viewDeviation }, i) => {
        blend.add(0, probability, lefts[i]);
        if (modelDeviation) blend.add(1, modelDeviation, lefts[i]);
        if (viewDeviation) blend.add(2, viewDeviation, lefts[i]);
        blend.weigh(lefts[i]);
      });
      done += lefts.length;
      options.onTile?.(done, total);
    }
    const finished = (rows[r + 1] ?? height) - top;
    const [probability, modelDeviation = null, viewDeviation = null] = blend.take(finished);
    yield { top, height: finished, probability, modelDeviation, viewDeviation };
  }
}

/** Weighted sums over the rows of the current windows. */
class Blend {
  private readonly sums: Float32Array[];
  private readonly total: Float32Array;

  constructor(
    private readonly tile: number,
    private readonly width: number,
    private readonly weights: Float32Array,
    layers: number,
  ) {
    this.sums = Array.from({ length: layers }, () => new Float32Array(tile * width));
    this.total = new Float32Array(tile * width);
  }

  add(layer: number, values: Float32Array, left: number): void {
    const { tile, width, weights } = this, sums = this.sums[layer];
    const columns = Math.min(tile, width - left);
    for (let y = 0; y < tile; y++) {
      for (let x = 0, i = y * tile, o = y * width + left; x < columns; x++, i++, o++) {
        sums[o] += weights[i] * values[i];
      }
    }
  }

  /** Counts the window's weights once, whatever the number of layers. */
  weigh(left: number): void {
    const { tile, width, weights, total } = this;
    const columns = Math.min(tile, width - left);
    for (let y = 0; y < tile; y++) {
      for (let x = 0, i = y * tile, o = y * width + left; x < columns; x++) {
        total[o++] += weights[i++];
      }
    }
  }

  /** The weighted means of the first rows, which are then removed. */
  take(rows: number): Float32Array[] {
    const size = rows * this.width;
    const out = this.sums.map((sums) => {
      const mean = new Float32Array(size);
      for (let i = 0; i < size; i++) mean[i] = sums[i] / this.total[i];
      return mean;
    });
    for (const buffer of [...this.sums, this.total]) {
      buffer.copyWithin(0, size);
      buffer.fill(0, Math.max(0, buffer.length - size));
    }
    return out;
  }
}
