/** How the members of an ensemble, and the views of test-time augmentation, become one answer. */
import type { TilePredictor } from "./predictor.ts";
import { restoreValues, type Symmetry, transformRgb } from "./tta.ts";

/** What the members say of one tile. */
export interface Vote {
  /**
   * Probability of crypt, and behind it that of the boundary where the models have it: each model's
   * mean over the views, combined over the models.
   */
  probability: Float32Array;
  /** Standard deviation of crypt between the models; null where it was not asked for. */
  modelDeviation: Float32Array | null;
  /** Standard deviation between the views of a model (root mean square over the models). */
  viewDeviation: Float32Array | null;
}

/**
 * Asks every model for every view of every tile. Deviations are those of crypt, channel 0.
 *
 * @param tiles square tiles of interleaved RGB bytes
 * @param combine over the models: their mean (the original), or their maximum
 * @param deviations whether the deviations are computed too
 * @throws {RangeError} naming the model that answers with something else than numbers
 */
export async function vote(
  ensemble: readonly TilePredictor[],
  tiles: Uint8Array[],
  side: number,
  views: readonly Symmetry[],
  combine: "mean" | "max",
  deviations: boolean,
): Promise<Vote[]> {
  const pixels = side * side;
  const tallies = tiles.map(() => new Tally(pixels, combine, deviations));
  // Transformed once per view and not once per model: views are the outer loop, so that sums over
  // views are kept per model.
  const sums = ensemble.map(() => tiles.map(() => new ViewSum(pixels, deviations)));
  for (const [v, view] of views.entries()) {
    const seen = v === 0 ? tiles : tiles.map((rgb) => transformRgb(rgb, view));
    for (const [m, model] of ensemble.entries()) {
      const answers = await model.predict(seen, side, side);
      answers.forEach((p, t) => {
        checkNumbers(p, model, pixels);
        sums[m][t].add(v === 0 ? p : restoreValues(p, view));
      });
    }
  }
  for (const models of sums) models.forEach((sum, t) => tallies[t].add(sum));
  return tallies.map((tally) => tally.result());
}

/** A model with a weight that is no number answers NaN, which every comparison takes for background. */
function checkNumbers(values: Float32Array, model: TilePredictor, pixels: number): void {
  if (values.length !== model.channels * pixels) {
    throw new RangeError(
      `model "${model.name}" gave ${values.length} values for a tile, expected ` +
        `${model.channels} x ${pixels}`,
    );
  }
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  if (!Number.isFinite(sum)) {
    throw new RangeError(
      `model "${model.name}" gives ${sum} as a probability: its weights are damaged, or its ` +
        `training diverged`,
    );
  }
}

/** Sums over the views of one model; one view is kept as it is. */
class ViewSum {
  count = 0;
  sum: Float32Array;
  squares: Float32Array | null;

  /** @param pixels of the tile: what deviations are computed of, the first channel */
  constructor(private readonly pixels: number, private readonly deviations: boolean) {
    this.sum = new Float32Array(0);
    this.squares = null;
  }

  add(values: Float32Array): void {
    if (this.count++ === 0) {
      this.sum = values;
      return;
    }
    if (this.count === 2) {
      // The first view may be the predictor's own memory.
      this.sum = this.sum.slice();
      if (this.deviations) this.squares = this.sum.subarray(0, this.pixels).map((p) => p * p);
    }
    const { sum, squares } = this;
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
    if (squares) { for (let i = 0; i < squares.length; i++) squares[i] += values[i] * values[i]; }
  }

  mean(): Float32Array {
    if (this.count === 1) return this.sum;
    const factor = 1 / this.count;
    return this.sum.map((value) => value * factor);
  }

  /** Variance over the views; null for one view. */
  variance(mean: Float32Array): Float32Array | null {
    return this.squares?.map((s, i) => Math.max(0, s / this.count - mean[i] * mean[i])) ?? null;
  }
}

/** Sums over the models. */
class Tally {
  private count = 0;
  private combined = new Float32Array(0);
  private sum: Float32Array | null = null;
  private squares: Float32Array | null = null;
  private viewVariance: Float32Array | null = null;

  constructor(
    private readonly pixels: number,
    private readonly combine: "mean" | "max",
    private readonly deviations: boolean,
  ) {}

  add(views: ViewSum): void {
    const mean = views.mean();
    if (this.deviations) this.addMoments(mean, views.variance(mean));
    if (this.count++ === 0) {
      this.combined = mean.slice();
      return;
    }
    const { combined } = this;
    if (this.combine === "mean") {
      for (let i = 0; i < combined.length; i++) combined[i] += mean[i];
    } else {
      for (let i = 0; i < combined.length; i++) {
        if (mean[i] > combined[i]) combined[i] = mean[i];
      }
    }
  }

  private addMoments(mean: Float32Array, variance: Float32Array | null): void {
    this.sum ??= new Float32Array(this.pixels);
    this.squares ??= new Float32Array(this.pixels);
    this.viewVariance ??= new Float32Array(this.pixels);
    for (let i = 0; i < this.pixels; i++) {
      this.sum[i] += mean[i];
      this.squares[i] += mean[i] * mean[i];
      if (variance) this.viewVariance[i] += variance[i];
    }
  }

  result(): Vote {
    const factor = 1 / this.count;
    if (this.combine === "mean" && this.count > 1) {
      for (let i = 0; i < this.combined.length; i++) this.combined[i] *= factor;
    }
    const { sum, squares, viewVariance } = this;
    return {
      probability: this.combined,
      modelDeviation:
        squares?.map((s, i) => Math.sqrt(Math.max(0, s * factor - (sum![i] * factor) ** 2))) ??
          null,
      viewDeviation: viewVariance?.map((v) => Math.sqrt(v * factor)) ?? null,
    };
  }
}
