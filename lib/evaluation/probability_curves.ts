/** What the probabilities of pixels are worth: precision and recall, calibration. */

/** A threshold and what follows from it. */
export interface PrecisionRecall {
  threshold: number;
  /** Share of the predicted crypt pixels that are crypt; 1 where nothing is predicted. */
  precision: number;
  /** Share of the crypt pixels that are predicted. */
  recall: number;
}

/** Pixels of about the same probability. */
export interface CalibrationStep {
  /** Their mean probability. */
  predicted: number;
  /** The share of them that is crypt. */
  observed: number;
  /** Their share of all pixels. */
  share: number;
}

/** How far probabilities can be taken at their word. */
export interface Calibration {
  /** Only steps that hold pixels, by rising probability. */
  steps: CalibrationStep[];
  /** Expected calibration error: mean of |observed - predicted| over pixels, in [0, 1]. */
  error: number;
}

/** Fine enough that no curve shows the steps, coarse enough to be counted quickly. */
const BINS = 1000;

/**
 * Collects probabilities and truths over any number of images.
 *
 * @example
 * ```ts
 * import { ProbabilityCurves } from "crypts/evaluation";
 * const curves = new ProbabilityCurves();
 * curves.add(Float32Array.of(0.1, 0.9, 0.8, 0.3), Uint8Array.of(0, 1, 1, 0));
 * console.log(curves.averagePrecision()); // 1
 * ```
 */
export class ProbabilityCurves {
  private readonly crypt = new Float64Array(BINS);
  private readonly other = new Float64Array(BINS);
  /** Of the probabilities in each bin. */
  private readonly sums = new Float64Array(BINS);

  /**
   * Adds an image.
   *
   * @param probability of crypt, in [0, 1]
   * @param truth non-zero is crypt
   * @throws {RangeError} when the lengths differ, or for a value that is no probability
   */
  add(probability: Float32Array, truth: Uint8Array): void {
    if (probability.length !== truth.length) {
      throw new RangeError(
        `probabilities and truth must have the same size, got ${probability.length} and ${truth.length}`,
      );
    }
    for (let i = 0; i < truth.length; i++) {
      const p = probability[i];
      if (!(p >= 0 && p <= 1)) throw new RangeError(`probability ${i} must be in [0, 1], got ${p}`);
      const bin = Math.min(BINS - 1, Math.floor(p * BINS));
      (truth[i] !== 0 ? this.crypt : this.other)[bin]++;
      this.sums[bin] += p;
    }
  }

  /**
   * Precision and recall for thresholds k / 1000, from the highest (recall 0) to 0 (recall 1).
   *
   * @throws {RangeError} when no pixel added is crypt
   */
  precisionRecall(): PrecisionRecall[] {
    const total = this.crypt.reduce((a, b) => a + b, 0);
    if (total === 0) throw new RangeError("precision and recall need pixels of crypt, got none");
    const points: PrecisionRecall[] = [{ threshold: 1, precision: 1, recall: 0 }];
    let hits = 0, wrong = 0;
    for (let bin = BINS - 1; bin >= 0; bin--) {
      if (this.crypt[bin] + this.other[bin] === 0) continue;
      hits += this.crypt[bin];
      wrong += this.other[bin];
      points.push({
        threshold: bin / BINS,
        precision: hits / (hits + wrong),
        recall: hits / total,
      });
    }
    return points;
  }

  /** The mean precision over recall, as scikit-learn's `average_precision_score` (no interpolation). */
  averagePrecision(): number {
    const points = this.precisionRecall();
    return points.slice(1).reduce(
      (sum, { precision, recall }, i) => sum + precision * (recall - points[i].recall),
      0,
    );
  }

  /**
   * The reliability diagram and the expected calibration error.
   *
   * Source: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", 2017.
   *
   * @param steps intervals of equal width; a divisor of 1000, default 10
   * @throws {RangeError} when nothing was added, or for another number of steps
   */
  calibration(steps = 10): Calibration {
    if (!(Number.isInteger(steps) && steps > 0 && BINS % steps === 0)) {
      throw new RangeError(`steps must be a divisor of ${BINS}, got ${steps}`);
    }
    const wide = BINS / steps, found: (CalibrationStep & { count: number })[] = [];
    for (let from = 0; from < BINS; from += wide) {
      const sum = (of: Float64Array) => of.subarray(from, from + wide).reduce((a, b) => a + b, 0);
      const crypt = sum(this.crypt), count = crypt + sum(this.other);
      if (count === 0) continue;
      found.push({ predicted: sum(this.sums) / count, observed: crypt / count, share: 0, count });
    }
    const all = found.reduce((sum, { count }) => sum + count, 0);
    if (all === 0) throw new RangeError("calibration needs at least one pixel, got none");
    const shares = found.map(({ predicted, observed, count }) => (
      { predicted, observed, share: count / all }
    ));
    const error = shares.reduce(
      (sum, { predicted, observed, share }) => sum + share * Math.abs(observed - predicted),
      0,
    );
    return { steps: shares, error };
  }
}
