/** Which learning rates are worth a try: a short training with a rate that rises at every step. */
import { createRandom } from "../base/mod.ts";
import { createPretrainedModel, loadWeights } from "../model/mod.ts";
import type { Patch } from "../patching/mod.ts";
import { createLoss } from "../tensor/mod.ts";
import { feedBatches } from "./feeder.ts";
import { createOptimizer, createSource } from "./fold.ts";
import { completeOptions } from "./complete_options.ts";
import type { TrainOptions } from "./options.ts";
import { shuffledOrder } from "./order.ts";
import { trainStep } from "./step.ts";
import { yieldToEvents } from "./stopping.ts";

/** Settings of {@link findLearningRate}. */
export interface RateFinderOptions {
  /** Default 30. */
  steps?: number;
  /** The first learning rate; default 1e-5. */
  from?: number;
  /** The last one; default 1. */
  to?: number;
  onStep?: (step: number, steps: number) => void;
}

/** A step of {@link findLearningRate}. */
export interface RateStep {
  learningRate: number;
  /** Of the step's batch, before the step was taken. */
  loss: number;
  /** The running mean of the losses so far, the last ones counting most. */
  smoothed: number;
}

/** What an earlier loss weighs in the running mean, per step. */
const MEMORY = 0.7;
/** The loss has run away where its mean is so many times the lowest one. */
const RUNAWAY = 4;

/**
 * Trains a model of its own, that of `options` for the first of its folds, with a learning rate that
 * rises from step to step by the same factor, and ends early when the loss runs away. Nothing is
 * written and no model is changed.
 *
 * Source: Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.
 *
 * @param patches those to train on, without the validation's
 * @returns the steps that were taken, by rising rate
 * @throws {RangeError} for settings out of their range, or no patches
 * @throws the signal's reason when aborted
 */
export async function findLearningRate(
  patches: readonly Patch[],
  options: TrainOptions,
  finder: RateFinderOptions = {},
): Promise<RateStep[]> {
  const { steps = 30, from = 1e-5, to = 1, onStep } = finder;
  if (!(Number.isInteger(steps) && steps >= 2)) {
    throw new RangeError(`steps must be an integer of at least 2, got ${steps}`);
  }
  if (!(from > 0 && to > from && to < Infinity)) {
    throw new RangeError(`rates must rise from above 0, got ${from} to ${to}`);
  }
  if (patches.length === 0) throw new RangeError("a search needs at least one patch, got none");
  const complete = completeOptions({ ...options, workers: 0 });
  const random = createRandom(complete.seed).fork("learning rate finder");
  const model = await createPretrainedModel({
    ...complete.model,
    encoderWeights: complete.initialWeights ? null : complete.encoderWeights,
    seed: random.fork("weights").int(2 ** 31),
  });
  const optimizer = createOptimizer(complete), source = createSource(complete, random);
  const found: RateStep[] = [];
  try {
    if (complete.initialWeights) await loadWeights(model, complete.initialWeights);
    const { batchSize, classBalance, ahead } = complete;
    const order = shuffledOrder(patches, batchSize, random.fork("order"), classBalance, steps);
    const loss = createLoss(complete.loss, complete.classWeights);
    const feed = feedBatches(patches, order, source, {
      ...{ preprocessing: model.preprocessing, stream: "learning rate finder", ahead },
    });
    let mean = 0, lowest = Infinity;
    for await (const batch of feed) {
      complete.signal?.throwIfAborted();
      const step = found.length;
      optimizer.learningRate = from * (to / from) ** (step / (steps - 1));
      const { learningRate } = optimizer;
      const { statisticsMomentum, microBatchSize, clipNorm } = complete;
      const settings = { loss, statisticsMomentum, microBatchSize, clipNorm };
      const taken = await trainStep(model, optimizer, batch, {
        ...settings,
        random: random.fork(`step ${step}`),
      });
      mean = MEMORY * mean + (1 - MEMORY) * taken.loss;
      const smoothed = mean / (1 - MEMORY ** (step + 1));
      if (!Number.isFinite(smoothed)) break;
      found.push({ learningRate, loss: taken.loss, smoothed });
      onStep?.(found.length, steps);
      lowest = Math.min(lowest, smoothed);
      if (smoothed > RUNAWAY * lowest || found.length === steps) break;
      await yieldToEvents();
    }
    return found;
  } finally {
    source.close();
    optimizer.dispose();
    model.dispose();
  }
}

/**
 * A rate to begin with: a tenth of the one at which the smoothed loss was lowest (Smith 2017; fastai's
 * rule of thumb).
 *
 * @throws {RangeError} when there is no step
 */
export function suggestRate(steps: readonly RateStep[]): number {
  if (steps.length === 0) throw new RangeError("a suggestion needs at least one step, got none");
  return steps.reduce((best, step) => step.smoothed < best.smoothed ? step : best).learningRate /
    10;
}
