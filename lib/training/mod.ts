/** The training method: folds, epochs, early stopping, logs, checkpoints that survive a kill. */
export { readTrainingInfo, TRAINING_KEY, type TrainingInfo } from "./checkpoint.ts";
export { evaluate, type EvaluateOptions, type Evaluation, type PatchScore } from "./evaluate.ts";
export type { Batch } from "./feeder.ts";
export type { FoldResult } from "./fold_result.ts";
export { checkFoldCount, type Fold, splitFolds, type SplitOptions } from "./folds.ts";
export { chooseGrouping, type GroupBy, type Grouping, GROUPINGS } from "./grouping.ts";
export type { EpochLog } from "./logs.ts";
export { completeOptions } from "./complete_options.ts";
export type { TrainOptions } from "./options.ts";
export {
  findLearningRate,
  type RateFinderOptions,
  type RateStep,
  suggestRate,
} from "./rate_finder.ts";
export type { SampleSource } from "./sample_source.ts";
export { unlikeSettings } from "./settings.ts";
export { trainStep } from "./step.ts";
export type { StepProgress } from "./step_progress.ts";
export {
  classesOf,
  needsLabels,
  type Target,
  type TargetMaps,
  targetMaps,
  TARGETS,
} from "./targets.ts";
export { DivergedError } from "./stopping.ts";
export { workerSource } from "./worker_source.ts";
export { trainFolds } from "./train_folds.ts";
export { type DrawingTrainingOptions, trainOnDrawings } from "./train_on_drawings.ts";
export type { Decision } from "./decision.ts";
