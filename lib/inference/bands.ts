/** The ensemble over an image of any size, window row by window row. */
import { cutTile, type WindowOptions, windowStarts, windowWeights } from "../stitching/mod.ts";
import { checkEnsemble, type TilePredictor } from "./predictor.ts";
import type { RegionSource, RgbImage } from "../image/mod.ts";
import { isGlass } from "./glass.ts";
import { symmetries, type TestTimeAugmentation } from "./tta.ts";
import { vote } from "./vote.ts";

/** How an image is predicted. */
export interface PredictOptions extends WindowOptions {
  /** Tiles per forward pass; default 4. */
  batchSize?: number;
  /** Over the models of the ensemble; default `"mean"`, as the original. */
  combine?: "mean" | "max";
  /** Views of each tile that are averaged; default `"none"`. */
  tta?: TestTimeAugmentation;
  /** Whether {@link Band.modelDeviation} and {@link Band.viewDeviation} are computed. */
  deviations?: boolean;
  /**
   * Windows without a pixel darker than glass are background without asking the models; default true
   * for sliding windows, false in mode `"original"`, which is the original's to the last pixel.
   */
  skipGlass?: boolean;
  /** Called with the tiles done (glass among them) and their number. */
  onTile?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Finished rows of the result, full width, one value per pixel. */
export interface Band {
  /** First row. */
  top: number;
  height: number;
  /** Of crypt. */
  probability: Float32Array;
  /** Probability of the crypt's boundary; null for models without. */
  boundary: Float32Array | null;
  /** Standard deviation between the models, averaged where windows overlap; null if not asked for. */
  modelDeviation: Float32Array | null;
  /** Standard deviation between the views of test-time augmentation; null if not asked for. */
  viewDeviation: Float32Array | null;
  /** The image's rows that were read for the band, for statistics of the image itself. */
  image: RgbImage;
  /** Windows of the band's row of windows that were glass, and their number. */
  glass: number;
  windows: number;
}

/**
 * Predicts an image from top to bottom and yields rows as soon as no later window touches them.
 * Memory follows `tile * width` and not the image.
 *
 * @throws {RangeError} for an empty ensemble, one of different classes, settings out of range, or a
 *   model that answers with something else than numbers
 * @throws the signal's reason when aborted
 */
export async function* predictBands(
  source: RegionSource,
  ensemble: readonly TilePredictor[],
  options: PredictOptions,
): AsyncGenerator<Band> {
  const { tile, batchSize = 4, combine = "mean", tta = "none", deviations = false } = options;
  const { skipGlass = options.mode === "sliding" } = options;
  checkEnsemble(ensemble, tile);
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new RangeError(`batchSize must be a positive integer, got ${batchSize}`);
  }
  const { height, width } = source, { channels } = ensemble[0];
  const rows = windowStarts(height, options), columns = windowStarts(width, options);
  // White is empty glass, and the original's padding. A sliding window reaches beyond an image only if
  // that is smaller: on white, models of crops that never had a border missed crypts at it.
  const beyond = options.mode === "sliding" ? "mirror" : 255;
  const weights = windowWeights(options), views = symmetries(tta, tile), pixels = tile * tile;
  const total = rows.length * columns.length;
  const blend = new Blend(tile, width, weights, channels + (deviations ? 2 : 0));
  let done = 0;
  for (const [r, top] of rows.entries()) {
    const image = await source.read(top, 0, Math.min(tile, height - top), width);
    const tissue = columns.filter((left) => !(skipGlass && isGlass(image, left, tile)));
    for (const left of columns) blend.weigh(left);
    done += columns.length - tissue.length;
    for (let c = 0; c < tissue.length; c += batchSize) {
      if (options.signal) await listen(options.signal);
      const lefts = tissue.slice(c, c + batchSize);
      const tiles = lefts.map((column) => cutTile(image, { row: 0, column }, tile, beyond));
      const votes = await vote(ensemble, tiles, tile, views, combine, deviations);
      votes.forEach(({ probability, modelDeviation, viewDeviation }, i) => {
        for (let k = 0; k < channels; k++) {
          blend.add(k, probability.subarray(k * pixels, (k + 1) * pixels), lefts[i]);
        }
        if (modelDeviation) blend.add(channels, modelDeviation, lefts[i]);
        if (viewDeviation) blend.add(channels + 1, viewDeviation, lefts[i]);
      });
      done += lefts.length;
      options.onTile?.(done, total);
    }
    if (tissue.length === 0) options.onTile?.(done, total);
    const finished = (rows[r + 1] ?? height) - top;
    const layers = blend.take(finished);
    yield {
      top,
      height: finished,
      probability: layers[0],
      boundary: channels === 2 ? layers[1] : null,
      modelDeviation: layers[channels] ?? null,
      viewDeviation: layers[channels + 1] ?? null,
      image: { data: image.data.subarray(0, finished * width * 3), height: finished, width },
      glass: columns.length - tissue.length,
      windows: columns.length,
    };
  }
}

/** Between two looks at what has happened in the meantime, in ms. */
const LISTEN_MS = 200;
let listened = 0;

/**
 * Throws the signal's reason when it is aborted. A model on WebAssembly never waits for anything, so
 * that no signal of the system would be heard: from time to time everything else gets its turn.
 */
async function listen(signal: AbortSignal): Promise<void> {
  if (performance.now() - listened > LISTEN_MS) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    listened = performance.now();
  }
  signal.throwIfAborted();
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
