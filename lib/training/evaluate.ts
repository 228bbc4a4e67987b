/** A model's loss and Dice on patches. */
import * as tf from "@tensorflow/tfjs-core";
import { crossEntropy, type Loss, softDicePerSample } from "../tensor/mod.ts";
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
  /** Dice of crypt (class 1) after the arg max, in [0, 1]; 1 where neither side has crypt. */
  dice: number;
  /** Soft Dice over all classes, the training's metric. */
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
 * Runs `model` in evaluation mode over `patches`, unaugmented.
 *
 * @throws {RangeError} when there are no patches, or a patch does not fit the model
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
  const { preprocessing } = model;
  for await (const batch of feedBatches(patches, order, source, { preprocessing, stream: null })) {
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
  const [value, soft, classes] = tf.tidy(() => {
    const { x, target } = batchTensors(batch, 0, size);
    const logits = model.forward(x);
    return [loss(logits, target), softDicePerSample(logits, target), tf.argMax(logits, 3)];
  });
  try {
    const predicted = Uint8Array.from(await classes.data(), (c) => c === 1 ? 1 : 0);
    const softDice = await soft.data();
    const pixels = batch.height * batch.width;
    batch.patches.forEach((patch, i) => {
      const range = [i * pixels, (i + 1) * pixels] as const;
      const dice = diceScore(predicted.subarray(...range), batch.masks.subarray(...range));
      scores.push({ patch, dice, softDice: softDice[i] });
    });
    return (await value.data())[0] * size;
  } finally {
    tf.dispose([value, soft, classes]);
  }
}
