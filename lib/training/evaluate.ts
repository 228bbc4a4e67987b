/** A model's loss and Dice on patches. */
import * as tf from "@tensorflow/tfjs-core";
import { crossEntropy, cryptDicePerSample, type Loss } from "../tensor/mod.ts";
import { diceScore } from "../annotation/mod.ts";
import type { SegmentationModel } from "../model/mod.ts";
import { type Batch, feedBatches } from "./feeder.ts";
import { batches } from "./order.ts";
import type { Patch } from "../patching/mod.ts";
import { localSource, type SampleSource } from "./sample_source.ts";
import { batchTensors } from "./step.ts";

/** The scores of one patch. */
export interface PatchScore {
  patch: Patch;
  /** Dice of crypt, p(background) below 0.5, in [0, 1]; 1 where neither side has crypt. */
  dice: number;
  /** Soft Dice of crypt against background, the training's metric. */
  softDice: number;
}

/** What {@link evaluate} returns; means are over patches. */
export interface Evaluation {
  loss: number;
  softDice: number;
  dice: number;
  patches: PatchScore[];
}

/** Settings of {@link evaluate}. */
export interface EvaluateOptions {
  /** Default 8. */
  batchSize?: number;
  /** Default: cross entropy. */
  loss?: Loss;
  /** Where decoded patches come from; default: read each once. */
  source?: SampleSource;
  /** Aborting rejects with the signal's reason, between two batches. */
  signal?: AbortSignal;
  onBatch?: (done: number, total: number) => void;
}

/**
 * Runs `model` in evaluation mode over `patches`, unaugmented and not cropped. Patches whose sides do
 * not fit the model are mirrored until they do; what was added is not scored.
 *
 * @throws {RangeError} when there are no patches, or two of a batch differ in size
 */
export async function evaluate(
  model: SegmentationModel,
  patches: readonly Patch[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  if (patches.length === 0) throw new RangeError("there are no patches to evaluate on");
  const { batchSize = 8, loss = crossEntropy, signal, onBatch } = options;
  const source = options.source ?? localSource(null, 0, 0);
  const order = batches(patches.map((_, i) => i), batchSize);
  const scores: PatchScore[] = [];
  let lossSum = 0;
  const feed = feedBatches(patches, order, source, {
    preprocessing: model.preprocessing,
    stream: null,
    sideMultiple: model.sideMultiple,
  });
  for await (const batch of feed) {
    signal?.throwIfAborted();
    lossSum += await scoreBatch(model, batch, loss, scores);
    onBatch?.(scores.length, patches.length);
  }
  const mean = (pick: (score: PatchScore) => number) =>
    scores.reduce((sum, s) => sum + pick(s), 0) / scores.length;
  return {
    loss: lossSum / scores.length,
    softDice: mean((s) => s.softDice),
    dice: mean((s) => s.dice),
    patches: scores,
  };
}

/** Appends the batch's scores; returns its loss times its size. */
async function scoreBatch(
  model: SegmentationModel,
  batch: Batch,
  loss: Loss,
  scores: PatchScore[],
): Promise<number> {
  const size = batch.patches.length;
  const { height, width } = batch.valid;
  const [value, soft, crypt] = tf.tidy(() => {
    const { x, target, pixelWeights } = batchTensors(batch, 0, size);
    const all = model.forward(x), classes = all.shape[3];
    const logits = tf.slice(all, [0, 0, 0, 0], [size, height, width, classes]);
    return [
      loss(logits, target, pixelWeights),
      cryptDicePerSample(logits, target),
      isCrypt(logits),
    ];
  });
  try {
    const predicted = Uint8Array.from(await crypt.data());
    const softDice = await soft.data();
    const truth = batch.masks.map((c) => c === 0 ? 0 : 1);
    const pixels = height * width;
    batch.patches.forEach((patch, i) => {
      const range = [i * pixels, (i + 1) * pixels] as const;
      const dice = diceScore(predicted.subarray(...range), truth.subarray(...range));
      scores.push({ patch, dice, softDice: softDice[i] });
    });
    return (await value.data())[0] * size;
  } finally {
    tf.dispose([value, soft, crypt]);
  }
}

/** Where crypt is likelier than not, [B,H,W]: 1 - p(background) above 0.5, for two classes the arg max. */
function isCrypt(logits: tf.Tensor4D): tf.Tensor {
  if (logits.shape[3] === 2) return tf.argMax(logits, 3);
  const ground = tf.slice(tf.softmax(logits), [0, 0, 0, 0], [...logits.shape.slice(0, 3), 1]);
  return tf.less(ground, 0.5);
}
