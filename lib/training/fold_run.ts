/** The epochs of one fold: steps, validation, best and last checkpoint, log. */
import type { Variable } from "@tensorflow/tfjs-core";
import { type AdaptiveOptimizer, createSchedule } from "../ranger/mod.ts";
import { createLoss, type Loss } from "../tensor/mod.ts";
import type { SegmentationModel } from "../model/mod.ts";
import { digestFile, type Random } from "../base/mod.ts";
import { type Progress, saveBest, saveProgress } from "./checkpoint.ts";
import { evaluate } from "./evaluate.ts";
import { type Batch, feedBatches } from "./feeder.ts";
import { ending, type FoldPaths, type FoldResult, foldResult, keptEpoch } from "./fold_result.ts";
import type { Fold } from "./folds.ts";
import { type EpochLog, writeFoldLog } from "./logs.ts";
import type { CompleteOptions } from "./options.ts";
import { shuffledOrder } from "./order.ts";
import type { SampleSource } from "./sample_source.ts";
import { trainStep } from "./step.ts";
import { StepTally } from "./step_progress.ts";
import { DivergedError, takeStopFile, yieldToEvents } from "./stopping.ts";
import type { WeightAverage } from "./weight_averaging.ts";

/** Whether a parameter or layer of this state_dict name belongs to the encoder. */
export function isEncoder(name: string): boolean {
  return name.startsWith("encoder.");
}

/** What a fold in training works on. */
export interface FoldWork {
  random: Random;
  model: SegmentationModel;
  optimizer: AdaptiveOptimizer;
  /** The running mean of the weights; null: none. */
  average: WeightAverage | null;
  source: SampleSource;
  progress: Progress;
}

/** A fold in training; nothing of its work is owned. */
export class FoldRun {
  private readonly loss: Loss;
  private readonly random: Random;
  private readonly model: SegmentationModel;
  private readonly optimizer: AdaptiveOptimizer;
  private readonly average: WeightAverage | null;
  private readonly source: SampleSource;
  private readonly progress: Progress;
  /** The variables outside of the encoder. */
  private readonly outside: Variable[];

  constructor(
    private readonly fold: Fold,
    private readonly options: CompleteOptions,
    private readonly paths: FoldPaths,
    work: FoldWork,
  ) {
    ({
      random: this.random,
      model: this.model,
      optimizer: this.optimizer,
      average: this.average,
      source: this.source,
      progress: this.progress,
    } = work);
    this.loss = createLoss(options.loss, options.classWeights);
    const own = [...this.model.parameters.values()].filter(({ name }) => !isEncoder(name));
    const variables = new Set(own.map(({ variable }) => variable));
    this.outside = this.model.trainable.filter((variable) => variables.has(variable));
  }

  async train(): Promise<FoldResult | null> {
    const { options, progress, paths } = this;
    const { epochs } = progress;
    await this.writeLog();
    let ended = ending(progress, options);
    while (!ended) {
      const stopped = !await this.epoch(epochs.length + 1);
      ended = stopped ? "stop file" : ending(progress, options);
    }
    return epochs.length > 0 ? foldResult(this.fold, paths.best, epochs, options, ended) : null;
  }

  /** One epoch, validation and checkpoints included; false when asked to stop before its end. */
  private async epoch(number: number): Promise<boolean> {
    const { options, progress, paths } = this;
    const trained = await this.steps(number);
    if (!trained) return false;
    const judge = () => this.judge(number, trained);
    const { log, best } = await (this.average ? this.average.during(judge) : judge());
    await saveProgress(
      paths.last,
      this.model,
      await this.optimizer.saveState(),
      progress,
      await this.average?.save(),
    );
    if (best) await Deno.rename(paths.pending, paths.best);
    await this.writeLog();
    options.onEpoch(log);
    return true;
  }

  private writeLog(): Promise<void> {
    const { paths, progress, options } = this;
    return writeFoldLog(paths.log, paths.name, progress.epochs, options.target !== "crypt");
  }

  /** Validates the model as it is now, takes down the epoch, and keeps the weights if they are the best. */
  private async judge(
    number: number,
    trained: { loss: number; dice: number },
  ): Promise<{ log: EpochLog; best: boolean }> {
    const { options, progress, paths, fold } = this;
    const valid = await evaluate(this.model, fold.validation, {
      // Patches that are cropped in training may differ in size.
      batchSize: options.crop ? 1 : options.microBatchSize ?? options.batchSize,
      loss: this.loss,
      source: this.source,
      signal: options.signal,
      onBatch: () => yieldToEvents(),
    });
    if (!Number.isFinite(valid.loss)) {
      throw new DivergedError(
        `${paths.name}: the validation loss of epoch ${number} is ${valid.loss}; ${this.advice()}`,
      );
    }
    const log: EpochLog = {
      fold: fold.index,
      epoch: number,
      trainLoss: trained.loss,
      trainDice: trained.dice,
      validLoss: valid.loss,
      validDice: valid.softDice,
      validCryptDice: valid.dice,
    };
    progress.epochs.push(log);
    // The checkpoint names the best weights by their digest before they get their name: see settleBest.
    const best = keptEpoch(progress.epochs, options) === number - 1;
    if (best) await this.saveBest(log);
    await options.onValidation?.(log, this.model);
    return { log, best };
  }

  /** The training steps of an epoch; null when asked to stop. */
  private async steps(epoch: number): Promise<{ loss: number; dice: number } | null> {
    const { options, progress, random, fold } = this;
    const stream = `epoch ${epoch}`;
    const order = shuffledOrder(
      fold.train,
      options.batchSize,
      random.fork(`${stream}, order`),
      options.classBalance,
      options.epochSteps,
    );
    const schedule = createSchedule(
      options.schedule,
      options.learningRate,
      options.epochs * order.length,
    );
    const tally = new StepTally();
    const feed = feedBatches(fold.train, order, this.source, {
      preprocessing: this.model.preprocessing,
      stream,
      ahead: options.ahead,
      onWait: (milliseconds) => tally.waited += milliseconds,
    });
    for await (const batch of feed) {
      options.signal?.throwIfAborted();
      if (takeStopFile(options.stopFile)) {
        options.onMessage(
          `${this.paths.name} ends in epoch ${epoch}: ${options.stopFile} was there`,
        );
        return null;
      }
      this.optimizer.learningRate = schedule(progress.steps);
      const { loss, dice } = await trainStep(this.model, this.optimizer, batch, {
        loss: this.loss,
        random: random.fork(`step ${progress.steps}, drop-connect`),
        microBatchSize: options.microBatchSize,
        clipNorm: options.clipNorm,
        statisticsMomentum: options.statisticsMomentum,
        ...this.frozenParts(epoch),
      });
      if (!Number.isFinite(loss)) throw this.diverged(batch, loss, epoch, tally.steps + 1);
      this.average?.update();
      progress.steps++;
      progress.patchSize = [batch.height, batch.width];
      tally.add(batch.patches.length, loss, dice);
      options.onStep({
        fold: fold.index,
        epoch,
        epochs: options.epochs,
        steps: order.length,
        learningRate: this.optimizer.learningRate,
        ...tally.figures(),
      });
      await yieldToEvents();
    }
    return tally.means();
  }

  private diverged(batch: Batch, loss: number, epoch: number, step: number): DivergedError {
    const files = batch.patches.map((p) => p.imagePath).join(", ");
    return new DivergedError(
      `${this.paths.name}: the loss is ${loss} in epoch ${epoch}, step ${step}, ` +
        `for the batch ${files}; ${this.advice()}`,
    );
  }

  /** What stays as it is in an epoch: nothing, the encoder's statistics, or all of the encoder. */
  private frozenParts(epoch: number) {
    const frozen = epoch <= this.options.frozenEncoderEpochs;
    return {
      trainable: frozen ? this.outside : undefined,
      frozenNorm: frozen || this.options.batchNorm === "frozen" ? isEncoder : undefined,
    };
  }

  private async saveBest({ epoch, validLoss, validDice }: EpochLog): Promise<void> {
    const { options, progress } = this;
    await saveBest(this.model, this.paths.pending, {
      modelName: options.modelName,
      fold: this.fold.index,
      epoch,
      validLoss,
      validDice,
      scale: options.scale,
      pixelSize: options.pixelSize ?? null,
      decision: options.decision,
      target: options.target,
      patchSize: progress.patchSize,
      validationImages: this.fold.validationImages,
      settings: progress.settings,
    });
    progress.best = await digestFile(this.paths.pending);
  }

  private advice(): string {
    const { epochs } = this.progress;
    const kept = epochs.length > 0
      ? `the best weights (epoch ${
        keptEpoch(epochs, this.options) + 1
      }) are kept in ${this.paths.best}`
      : "no epoch was finished";
    return `${kept}. A smaller learning rate or clipNorm may help`;
  }
}
