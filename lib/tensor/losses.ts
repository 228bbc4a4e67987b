/** What is minimized: cross entropy, soft Dice, Dice by class, and sums of them. */
import * as tf from "@tensorflow/tfjs-core";

/**
 * A loss of logits [B,H,W,C] against class indices [B,H,W] (int32): a differentiable scalar.
 *
 * `pixelWeights` [B,H,W], positive, weigh the cross entropy's mean; Dice does not look at them.
 */
export type Loss = (
  logits: tf.Tensor4D,
  target: tf.Tensor3D,
  pixelWeights?: tf.Tensor3D | null,
) => tf.Scalar;

/** Names that {@link createLoss} knows. */
export const LOSSES = [
  "cross-entropy",
  "dice",
  "cross-entropy+dice",
  "class-dice",
  "cross-entropy+class-dice",
] as const;
/** See {@link LOSSES}. */
export type LossName = typeof LOSSES[number];

/**
 * The loss called `name`.
 *
 * @param classWeights weight of each class in the cross entropy; default all 1
 * @throws {RangeError} for an unknown name, or weights that are not all positive
 */
export function createLoss(name: LossName, classWeights?: readonly number[]): Loss {
  if (classWeights?.some((w) => !(w > 0 && Number.isFinite(w)))) {
    throw new RangeError(`class weights must be positive numbers, got [${classWeights}]`);
  }
  const entropy: Loss = (logits, target, pixelWeights) =>
    crossEntropy(logits, target, pixelWeights, classWeights);
  const withEntropy = (dice: Loss): Loss => (logits, target, pixelWeights) =>
    tf.tidy(() => tf.add(entropy(logits, target, pixelWeights), dice(logits, target)));
  switch (name) {
    case "cross-entropy":
      return entropy;
    case "dice":
      return (logits, target) => softDiceLoss(logits, target);
    case "cross-entropy+dice":
      return withEntropy(softDiceLoss);
    case "class-dice":
      return (logits, target) => classDiceLoss(logits, target);
    case "cross-entropy+class-dice":
      return withEntropy(classDiceLoss);
    default:
      throw new RangeError(`unknown loss "${name}"; known: ${LOSSES.join(", ")}`);
  }
}

/**
 * Mean cross entropy of softmax over the last axis, as `torch.nn.CrossEntropyLoss`.
 *
 * @param logits [B,H,W,C], any finite values; exact also where exponentials would overflow
 * @param target [B,H,W] int32, class indices in 0..C-1
 * @param pixelWeights [B,H,W], positive; the mean is weighted by them (times the class weights)
 * @param classWeights one positive weight a class; the mean is then weighted by the target's weights
 * @throws {RangeError} when shapes do not fit
 */
export function crossEntropy(
  logits: tf.Tensor4D,
  target: tf.Tensor3D,
  pixelWeights?: tf.Tensor3D | null,
  classWeights?: readonly number[],
): tf.Scalar {
  checkShapes(logits, target, classWeights);
  if (pixelWeights && !tf.util.arraysEqual(pixelWeights.shape, target.shape)) {
    throw new RangeError(
      `pixel weights [${pixelWeights.shape}] do not fit the target [${target.shape}]`,
    );
  }
  const weighted = classWeights !== undefined || !!pixelWeights;
  const loss = tf.customGrad((x, save) => {
    const scores = x as tf.Tensor4D;
    const wanted = oneHot(target, scores.shape[3]);
    let weights = wanted;
    if (classWeights) weights = tf.mul(weights, tf.tensor1d([...classWeights]));
    if (pixelWeights) weights = tf.mul(weights, tf.expandDims(pixelWeights, 3));
    const total = weighted ? sumByRows(weights) : tf.scalar(target.size);
    const probabilities = tf.softmax(scores);
    // log softmax = score - greatest score + log(greatest probability): no logarithm of zero.
    const logSums = tf.sub(
      tf.max(scores, -1, true),
      tf.log(tf.max(probabilities, -1, true)),
    );
    const value = tf.div(sumByRows(tf.mul(weights, tf.sub(logSums, scores))), total) as tf.Scalar;
    const perPixel = weighted ? tf.sum(weights, -1, true) : tf.scalar(1);
    (save as tf.GradSaveFunc)([
      tf.div(tf.mul(tf.sub(probabilities, wanted), perPixel), total),
    ]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0], dy),
    };
  });
  return tf.tidy(() => loss(logits) as tf.Scalar);
}

/**
 * Soft Dice score in [0, 1]: softmax against one-hot over all classes, by sample, then the mean.
 *
 * `2 Σ p t / (Σ p + Σ t)` over pixels and classes. Both sums in the denominator are the number of
 * pixels (softmax and one-hot add up to 1), so that it is the mean probability of the true class:
 * computed as that, which is faster and rounds less.
 *
 * @param logits [B,H,W,C]
 * @param target [B,H,W] int32
 * @throws {RangeError} when shapes do not fit
 */
export function softDiceScore(logits: tf.Tensor4D, target: tf.Tensor3D): tf.Scalar {
  return tf.tidy(() => tf.mean(softDicePerSample(logits, target)) as tf.Scalar);
}

/** {@link softDiceScore} of each sample, [B]. */
export function softDicePerSample(logits: tf.Tensor4D, target: tf.Tensor3D): tf.Tensor1D {
  checkShapes(logits, target);
  return tf.tidy(() => {
    const [, height, width, classes] = logits.shape;
    const hits = tf.mul(tf.softmax(logits), oneHot(target, classes));
    return tf.div(tf.sum(tf.sum(hits, [2, 3]), 1), height * width);
  });
}

/** `1 -` {@link softDiceScore}; differentiable. */
export function softDiceLoss(logits: tf.Tensor4D, target: tf.Tensor3D): tf.Scalar {
  return tf.tidy(() => tf.sub(1, softDiceScore(logits, target)) as tf.Scalar);
}

/**
 * {@link softDiceScore} of each sample, [B], for crypt against background: the probability of crypt
 * is 1 - p(background), however many classes crypts are divided into. Two classes: the same value.
 */
export function cryptDicePerSample(logits: tf.Tensor4D, target: tf.Tensor3D): tf.Tensor1D {
  if (logits.shape[3] === 2) return softDicePerSample(logits, target);
  checkShapes(logits, target);
  return tf.tidy(() => {
    const [batch, height, width] = logits.shape;
    const ground = tf.slice(tf.softmax(logits), [0, 0, 0, 0], [batch, height, width, 1]);
    const crypt = tf.cast(tf.expandDims(tf.greater(target, 0), 3), "float32");
    // p for background, 1 - p for crypt.
    const hits = tf.add(ground, tf.mul(crypt, tf.sub(1, tf.mul(ground, 2))));
    return tf.div(tf.sum(tf.sum(hits, [2, 3]), 1), height * width);
  });
}

/**
 * `1 -` the mean over classes of `2 Σ p t / (Σ p + Σ t)`, sums over all pixels of the batch: unlike
 * {@link softDiceLoss} a class counts as much as another whatever its area, so that thin boundaries
 * are not drowned. Classes without a pixel in `target` add nothing, as in
 * segmentation_models_pytorch's `DiceLoss("multiclass")`, whose value and gradient these are.
 *
 * @param logits [B,H,W,C]
 * @param target [B,H,W] int32
 * @throws {RangeError} when shapes do not fit
 */
export function classDiceLoss(logits: tf.Tensor4D, target: tf.Tensor3D): tf.Scalar {
  checkShapes(logits, target);
  const loss = tf.customGrad((x, save) => {
    const scores = x as tf.Tensor4D, classes = scores.shape[3];
    const p = tf.softmax(scores), t = oneHot(target, classes);
    const hits = sumByClass(tf.mul(p, t)), present = sumByClass(t);
    const size = tf.add(sumByClass(p), present);
    const counts = tf.cast(tf.greater(present, 0), "float32");
    const value = tf.div(tf.sum(tf.mul(counts, tf.sub(1, tf.div(tf.mul(hits, 2), size)))), classes);
    // Slope by p: -2 (t size - hits) / size² / classes, then through the softmax.
    const scale = tf.div(tf.mul(counts, -2 / classes), tf.square(size));
    const slope = tf.mul(tf.sub(tf.mul(t, size), hits), scale);
    const mean = tf.sum(tf.mul(p, slope), -1, true);
    (save as tf.GradSaveFunc)([tf.mul(p, tf.sub(slope, mean))]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0], dy) };
  });
  return tf.tidy(() => loss(logits) as tf.Scalar);
}

function sumByClass(x: tf.Tensor4D): tf.Tensor1D {
  return tf.sum(tf.sum(x, 2), [0, 1]);
}

/**
 * The sum of [B,H,W,C], row by row: backends add up in float32, which loses digits over millions of
 * values in a row.
 */
function sumByRows(x: tf.Tensor4D): tf.Scalar {
  return tf.sum(tf.sum(x, [2, 3])) as tf.Scalar;
}

function oneHot(target: tf.Tensor3D, classes: number): tf.Tensor4D {
  // The WASM kernel makes int32 whatever it is asked for.
  return tf.cast(tf.oneHot(target, classes, 1, 0, "int32"), "float32") as tf.Tensor4D;
}

function checkShapes(
  logits: tf.Tensor4D,
  target: tf.Tensor3D,
  classWeights?: readonly number[],
): void {
  const fits = logits.rank === 4 && target.rank === 3 &&
    target.shape.every((side, i) => side === logits.shape[i]);
  if (!fits) {
    throw new RangeError(
      `logits [B,H,W,C] and target [B,H,W] do not fit: [${logits.shape}] and [${target.shape}]`,
    );
  }
  if (classWeights && classWeights.length !== logits.shape[3]) {
    throw new RangeError(
      `${logits.shape[3]} classes need as many weights, got ${classWeights.length}`,
    );
  }
}
