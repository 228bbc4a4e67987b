/** Where the ensemble is unsure, and whether that is where it is wrong. */

/**
 * Entropy of the predicted distribution of each pixel, in bits: 0 where the ensemble is sure, 1 where
 * the probability is one half.
 *
 * @param probability in [0, 1]
 */
export function predictiveEntropy(probability: Float32Array): Float32Array {
  const out = new Float32Array(probability.length);
  for (let i = 0; i < out.length; i++) {
    const p = probability[i], q = 1 - p;
    out[i] = (p > 0 ? -p * Math.log2(p) : 0) + (q > 0 ? -q * Math.log2(q) : 0);
  }
  return out;
}

/**
 * Standard deviation over all members, models and views of test-time augmentation alike (their
 * variances add up), in [0, 0.5].
 */
export function disagreement(
  modelDeviation: Float32Array,
  viewDeviation: Float32Array,
): Float32Array {
  const out = new Float32Array(modelDeviation.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.hypot(modelDeviation[i], viewDeviation[i]);
  return out;
}

/** One step of {@link ErrorCurve.steps}. */
export interface ErrorStep {
  /** Pixels whose uncertainty lies in the step's interval, as a share of all. */
  share: number;
  /** Lower and upper end of the interval. */
  from: number;
  to: number;
  /** Share of these pixels that are wrong; null where there are none. */
  error: number | null;
  /** Dice of all pixels up to this uncertainty: what is left when the less certain are set aside. */
  diceBelow: number;
  /** Share of all pixels up to this uncertainty. */
  kept: number;
}

/** How error follows uncertainty. */
export interface ErrorCurve {
  steps: ErrorStep[];
  /**
   * Area under the ROC curve of uncertainty as a detector of wrong pixels: the probability that a
   * wrong pixel is less certain than a right one; 0.5 says nothing. Null when no pixel, or every one,
   * is wrong.
   */
  auroc: number | null;
}

/**
 * Collects how error follows uncertainty over any number of images.
 */
export class ErrorCurveCollector {
  /** Right and wrong pixels, and the Dice's counts, by interval of uncertainty. */
  private readonly right: Float64Array;
  private readonly wrong: Float64Array;
  private readonly both: Float64Array;
  private readonly sizes: Float64Array;

  /**
   * @param highest uncertainty that can occur: 1 for entropy, 0.5 for deviations
   * @param bins number of intervals of equal width; default 20
   */
  constructor(private readonly highest: number, private readonly bins = 20) {
    if (!(highest > 0 && Number.isInteger(bins) && bins > 1)) {
      throw new RangeError(
        `expected highest > 0 and at least 2 bins, got highest ${highest}, ${bins} bins`,
      );
    }
    const counts = () => new Float64Array(bins);
    [this.right, this.wrong, this.both, this.sizes] = [counts(), counts(), counts(), counts()];
  }

  /**
   * Adds an image.
   *
   * @throws {RangeError} when the lengths differ
   */
  add(uncertainty: Float32Array, predicted: Uint8Array, truth: Uint8Array): void {
    if (uncertainty.length !== predicted.length || predicted.length !== truth.length) {
      throw new RangeError(
        `uncertainty, prediction and truth must have the same size, got ${uncertainty.length}, ` +
          `${predicted.length} and ${truth.length}`,
      );
    }
    const factor = this.bins / this.highest;
    for (let i = 0; i < predicted.length; i++) {
      const bin = Math.min(this.bins - 1, Math.floor(uncertainty[i] * factor));
      const p = predicted[i] ? 1 : 0, t = truth[i] ? 1 : 0;
      if (p === t) this.right[bin]++;
      else this.wrong[bin]++;
      this.both[bin] += p & t;
      this.sizes[bin] += p + t;
    }
  }

  /**
   * The curve over all images added.
   *
   * @throws {RangeError} when there are none
   */
  curve(): ErrorCurve {
    const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
    const rights = sum(this.right), wrongs = sum(this.wrong), total = rights + wrongs;
    if (total === 0) throw new RangeError("an error curve needs at least one image, got none");
    const width = this.highest / this.bins, steps: ErrorStep[] = [];
    let kept = 0, both = 0, sizes = 0, rightBelow = 0, pairs = 0;
    for (let b = 0; b < this.bins; b++) {
      const count = this.right[b] + this.wrong[b];
      // Pairs within one interval count one half, as ties do.
      pairs += this.wrong[b] * (rightBelow + this.right[b] / 2);
      rightBelow += this.right[b];
      kept += count;
      both += this.both[b];
      sizes += this.sizes[b];
      steps.push({
        share: count / total,
        from: b * width,
        to: (b + 1) * width,
        error: count > 0 ? this.wrong[b] / count : null,
        diceBelow: sizes > 0 ? 2 * both / sizes : 1,
        kept: kept / total,
      });
    }
    return { steps, auroc: rights > 0 && wrongs > 0 ? pairs / (rights * wrongs) : null };
  }
}
