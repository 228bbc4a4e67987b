/** One step of training on one batch. */
import * as tf from "@tensorflow/tfjs-core";
import type { AdaptiveOptimizer } from "../ranger/mod.ts";
import { cryptDicePerSample, type Loss } from "../tensor/mod.ts";
import type { SegmentationModel } from "../model/mod.ts";
import type { Random } from "../base/mod.ts";
import type { Batch } from "./feeder.ts";

/** How {@link trainStep} goes. */
export interface StepOptions {
  loss: Loss;
  /** Source of drop-connect masks. */
  random: Random;
  /** What the step changes; default: all that the model trains. */
  trainable?: readonly tf.Variable[];
  /** Samples in memory at once: gradients of the parts are added up; default: the whole batch. */
  microBatchSize?: number;
  /** Gradients with a greater norm (over all parameters) are scaled down to it. */
  clipNorm?: number;
  /** See `ForwardOptions.statisticsMomentum`. */
  statisticsMomentum?: number;
  /** See `ForwardOptions.frozenNorm`. */
  frozenNorm?: (name: string) => boolean;
}

/** What {@link trainStep} measured, before the step was taken. */
export interface StepResult {
  loss: number;
  /** Soft Dice of crypt against background, see `lib/tensor/losses.ts`. */
  dice: number;
}

/**
 * Computes loss and gradients of `batch` and lets `optimizer` take a step, unless the loss is not
 * finite: then nothing is changed and the caller decides.
 *
 * With micro-batches the gradient is that of the whole batch's mean loss; only batch norm and class
 * weights see the parts one by one (as in PyTorch).
 */
export async function trainStep(
  model: SegmentationModel,
  optimizer: AdaptiveOptimizer,
  batch: Batch,
  options: StepOptions,
): Promise<StepResult> {
  const count = batch.patches.length;
  const part = Math.min(options.microBatchSize ?? count, count);
  let gradients: tf.NamedTensorMap | null = null;
  let loss = 0;
  let dice = 0;
  try {
    for (let from = 0; from < count; from += part) {
      const size = Math.min(part, count - from);
      const result = partGradients(model, batch, from, size, options);
      loss += (await result.loss.data())[0] * size / count;
      dice += (await result.dice.data())[0] * size / count;
      tf.dispose([result.loss, result.dice]);
      gradients = addScaled(gradients, result.gradients, size / count);
    }
    if (!Number.isFinite(loss)) return { loss, dice };
    if (options.clipNorm !== undefined) {
      gradients = await clipByNorm(gradients!, options.clipNorm);
    }
    optimizer.applyGradients(gradients!);
  } finally {
    tf.dispose(gradients ?? {});
  }
  return { loss, dice };
}

/** The images, masks and weights `from` to `from + size` of a batch as tensors. */
export function batchTensors(
  batch: Batch,
  from: number,
  size: number,
): { x: tf.Tensor4D; target: tf.Tensor3D; pixelWeights: tf.Tensor3D | null } {
  const { height, width, images, masks, weights, valid } = batch;
  const pixels = height * width, inside = valid.height * valid.width;
  const range = [from * inside, (from + size) * inside] as const;
  const shape: [number, number, number] = [size, valid.height, valid.width];
  return {
    x: tf.tensor4d(
      images.subarray(from * pixels * 3, (from + size) * pixels * 3),
      [size, height, width, 3],
    ),
    target: tf.tensor3d(Int32Array.from(masks.subarray(...range)), shape, "int32"),
    pixelWeights: weights && tf.tensor3d(weights.subarray(...range), shape),
  };
}

function partGradients(
  model: SegmentationModel,
  batch: Batch,
  from: number,
  size: number,
  { loss, random, statisticsMomentum, frozenNorm, trainable }: StepOptions,
): { loss: tf.Scalar; dice: tf.Scalar; gradients: tf.NamedTensorMap } {
  const { x, target, pixelWeights } = batchTensors(batch, from, size);
  let dice: tf.Scalar | null = null;
  try {
    const { value, grads } = tf.variableGrads(() => {
      const logits = model.forward(x, { training: true, random, statisticsMomentum, frozenNorm });
      dice = tf.keep(tf.mean(cryptDicePerSample(logits, target)) as tf.Scalar);
      return loss(logits, target, pixelWeights);
    }, [...trainable ?? model.trainable]);
    return { loss: value, dice: dice!, gradients: grads };
  } finally {
    tf.dispose(pixelWeights ? [x, target, pixelWeights] : [x, target]);
  }
}

/** `sum + scale * gradients`; both arguments are used up. */
function addScaled(
  sum: tf.NamedTensorMap | null,
  gradients: tf.NamedTensorMap,
  scale: number,
): tf.NamedTensorMap {
  if (!sum && scale === 1) return gradients;
  const result: tf.NamedTensorMap = {};
  for (const [name, gradient] of Object.entries(gradients)) {
    result[name] = tf.tidy(() => {
      const scaled = tf.mul(gradient, scale);
      return sum ? tf.add(sum[name], scaled) : scaled;
    });
  }
  tf.dispose(gradients);
  if (sum) tf.dispose(sum);
  return result;
}

/** As `torch.nn.utils.clip_grad_norm_`; the argument is used up. */
async function clipByNorm(
  gradients: tf.NamedTensorMap,
  limit: number,
): Promise<tf.NamedTensorMap> {
  const squares = tf.tidy(() => tf.addN(Object.values(gradients).map((g) => tf.sum(tf.square(g)))));
  const norm = Math.sqrt((await squares.data())[0]);
  squares.dispose();
  return norm > limit ? addScaled(null, gradients, limit / (norm + 1e-6)) : gradients;
}
