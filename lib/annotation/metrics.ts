/** How well a predicted mask fits the truth. */

/** The original's guard against 0 / 0. */
const EPSILON = 1e-8;

/** Pixel counts of two masks of the same size. */
export interface Overlap {
  /** Pixels that are crypt in both: true positives. */
  both: number;
  /** Pixels that are crypt in the prediction. */
  predicted: number;
  /** Pixels that are crypt in the truth. */
  truth: number;
}

/**
 * Counts the pixels on which the scores of this module rest; every non-zero pixel is crypt.
 *
 * @throws {RangeError} when the masks differ in length
 */
export function countOverlap(predicted: Uint8Array, truth: Uint8Array): Overlap {
  if (predicted.length !== truth.length) {
    throw new RangeError(
      `masks must have the same size, got ${predicted.length} predicted and ${truth.length} true pixels`,
    );
  }
  const aligned = predicted.byteOffset % 4 === 0 && truth.byteOffset % 4 === 0;
  const words = aligned ? predicted.length >> 2 : 0;
  const p4 = aligned ? new Uint32Array(predicted.buffer, predicted.byteOffset, words) : null;
  const t4 = aligned ? new Uint32Array(truth.buffer, truth.byteOffset, words) : null;
  let both = 0, p = 0, t = 0;
  for (let i = 0; i < words; i++) {
    if ((p4![i] | t4![i]) === 0) continue;
    const a = nonZeroBytes(p4![i]), b = nonZeroBytes(t4![i]);
    p += countBytes(a);
    t += countBytes(b);
    both += countBytes(a & b);
  }
  for (let i = words * 4; i < predicted.length; i++) {
    const a = predicted[i] !== 0 ? 1 : 0, b = truth[i] !== 0 ? 1 : 0;
    p += a;
    t += b;
    both += a & b;
  }
  return { both, predicted: p, truth: t };
}

/** A 1 in each byte of a word that is not zero (four pixels at once). */
function nonZeroBytes(word: number): number {
  return (((word & 0x7f7f7f7f) + 0x7f7f7f7f | word) >>> 7) & 0x01010101;
}

/** The sum of four bytes that are 0 or 1. */
function countBytes(ones: number): number {
  return Math.imul(ones, 0x01010101) >>> 24;
}

/**
 * Dice coefficient `(2 |A∩B| + ε) / (|A| + |B| + ε)` with the original's ε of 1e-8, in [0, 1].
 * Two empty masks score 1.
 *
 * @param predicted mask; every non-zero pixel is crypt
 * @param truth mask of the same size
 * @throws {RangeError} when the masks differ in length
 */
export function diceScore(predicted: Uint8Array, truth: Uint8Array): number {
  return diceOf(countOverlap(predicted, truth));
}

/** {@link diceScore} from counts, which add up over the parts of an image. */
export function diceOf(counts: Overlap): number {
  return (2 * counts.both + EPSILON) / (counts.predicted + counts.truth + EPSILON);
}

/** Intersection over union (Jaccard index), in [0, 1]; conventions as in {@link diceScore}. */
export function iou(predicted: Uint8Array, truth: Uint8Array): number {
  const c = countOverlap(predicted, truth);
  return (c.both + EPSILON) / (c.predicted + c.truth - c.both + EPSILON);
}

/**
 * The share of the predicted pixels that is crypt in truth, in [0, 1].
 * 1 when nothing was predicted (as in smp.utils.metrics): nothing of it is wrong.
 */
export function precision(predicted: Uint8Array, truth: Uint8Array): number {
  const c = countOverlap(predicted, truth);
  return (c.both + EPSILON) / (c.predicted + EPSILON);
}

/**
 * The share of the true pixels that was predicted (sensitivity), in [0, 1].
 * 1 when there is no crypt: none was missed.
 */
export function recall(predicted: Uint8Array, truth: Uint8Array): number {
  const c = countOverlap(predicted, truth);
  return (c.both + EPSILON) / (c.truth + EPSILON);
}

/**
 * The original's training metric: soft Dice between the softmax of the logits and the one-hot
 * target over all classes and pixels, in [0, 1]. Not for training: `lib/tensor/losses.ts` has it with
 * gradients.
 *
 * @param logits pixel-major, `classes` values a pixel (NHWC)
 * @param target class of each pixel, 0 to `classes - 1`
 * @throws {RangeError} when the lengths do not fit or a target is no class
 */
export function softDice(logits: Float32Array, target: Uint8Array, classes = 2): number {
  if (logits.length !== target.length * classes) {
    throw new RangeError(
      `${target.length} pixels of ${classes} classes need ${target.length * classes} logits, ` +
        `got ${logits.length}`,
    );
  }
  let both = 0;
  for (let i = 0, o = 0; i < target.length; i++, o += classes) {
    if (target[i] >= classes) {
      throw new RangeError(`target ${target[i]} of pixel ${i} is not one of ${classes} classes`);
    }
    // softmax of the true class; the differences keep the exponential from overflowing
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += Math.exp(logits[o + c] - logits[o + target[i]]);
    both += 1 / sum;
  }
  // Softmax and one-hot both sum to one a pixel.
  return (2 * both + EPSILON) / (2 * target.length + EPSILON);
}
