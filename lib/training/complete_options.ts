/** The defaults of a training's settings. */
import type { ScheduleSpec } from "../ranger/mod.ts";
import { checkOptions } from "./options_check.ts";
import type { CompleteOptions, TrainOptions } from "./options.ts";
import { classesOf } from "./targets.ts";

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} naming the setting that is out of its range
 */
export function completeOptions(options: TrainOptions): CompleteOptions {
  const { schedule = "constant", foldCount = 5, target = "crypt" } = options;
  const complete: CompleteOptions = {
    splitSeed: 0,
    target,
    boundaryWidth: 2,
    gapWeight: 0,
    gapWidth: 3,
    cropZoom: 1,
    cropRotate: 0,
    encoderWeights: null,
    encoderLearningRate: 1,
    frozenEncoderEpochs: 0,
    batchNorm: "train",
    weightAveraging: 0,
    batchSize: 16,
    epochs: 25,
    patience: 5,
    keep: "best",
    optimizer: "ranger",
    learningRate: 1e-3,
    weightDecay: 1e-4,
    statisticsMomentum: 0,
    loss: "cross-entropy",
    classBalance: false,
    augmentation: "flips",
    seed: 0,
    scale: 1,
    resume: true,
    workers: Math.max(0, Math.min(2, navigator.hardwareConcurrency - 1)),
    ahead: 2,
    cacheBytes: 2 ** 30,
    onStep: () => {},
    onEpoch: () => {},
    onFold: () => {},
    onMessage: () => {},
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    model: { ...options.model, classes: options.model.classes ?? classesOf(target) },
    modelName: options.modelName,
    outDir: options.outDir,
    logDir: options.logDir,
    foldCount,
    folds: options.folds ?? Array.from({ length: foldCount }, (_, i) => i),
    schedule: typeof schedule === "string" ? { kind: schedule } as ScheduleSpec : schedule,
  };
  checkOptions(complete);
  return complete;
}
