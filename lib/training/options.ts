/** Every setting of a training. */
import type { Augmentation } from "../augment/mod.ts";
import type { LossName } from "../tensor/mod.ts";
import type { ModelConfig, SegmentationModel } from "../model/mod.ts";
import type { ScheduleSpec } from "../ranger/mod.ts";
import type { Decision } from "./decision.ts";
import type { FoldResult } from "./fold_result.ts";
import type { EpochLog } from "./logs.ts";
import type { StepProgress } from "./step_progress.ts";
import type { Target } from "./targets.ts";

/** Settings of `trainFolds`; defaults are the original's where it has them. */
export interface TrainOptions {
  /** `classes` follow from `target` where they are left out. */
  model: ModelConfig;
  /** Begins the names of all files: `<modelName>_fold<k>.safetensors`. */
  modelName: string;
  /** Where the best weights of each fold go; `last/` in it holds what is needed to go on. */
  outDir: string;
  /** Where the logs go: `<modelName>_fold<k>.csv` and `<modelName>_report.csv`. */
  logDir: string;

  /** Default 5. */
  foldCount?: number;
  /** Which folds to train; default all. */
  folds?: readonly number[];
  /** Seed of the split, scikit-learn's `random_state`; default 0. */
  splitSeed?: number;
  /** Keeps images of one group in one fold, e.g. the donor by image id; default: by image. */
  groupOf?: (image: string) => string;
  /** A class of each image of which every fold gets its share, see `SplitOptions`; default: none. */
  stratumOf?: (image: string) => string;

  /** What is predicted, see `TargetOptions`; default "crypt", as the original. */
  target?: Target;
  /** Width in pixels of the boundary inside of a crypt; default 2. */
  boundaryWidth?: number;
  /** Greatest extra weight of pixels in narrow gaps between crypts (U-Net's w0); default 0: none. */
  gapWeight?: number;
  /** Width in pixels of the gaps that weigh more (U-Net's sigma); default 3. */
  gapWidth?: number;

  /** Side of the random crops of patches that are trained on; default: whole patches. */
  crop?: number;
  /** Crops are enlarged or shrunk by up to this factor, at least 1; default 1. */
  cropZoom?: number;
  /** Crops are turned by up to this angle in degrees; default 0. */
  cropRotate?: number;
  /** Steps of an epoch, for which patches come in shuffled rounds; default: each patch once. */
  epochSteps?: number;

  /** Default 16. */
  batchSize?: number;
  /** Samples in memory at once (gradient accumulation); default: the whole batch. */
  microBatchSize?: number;
  /** Default 25. */
  epochs?: number;
  /** Epochs without a better validation loss after which a fold ends; default 5. */
  patience?: number;
  /**
   * Which weights are kept: those of the epoch with the least validation loss, or of the last one, for
   * schedules that end near 0, after which the validation loss of an epoch says little; default "best".
   */
  keep?: "best" | "last";
  /** Default "ranger"; "adamw" is Adam with decoupled weight decay, as "adam" here is too. */
  optimizer?: "ranger" | "adam" | "adamw";
  /** The greatest learning rate of the schedule; default 1e-3. */
  learningRate?: number;
  /** Default 1e-4. */
  weightDecay?: number;
  /** Default "constant". */
  schedule?: ScheduleSpec["kind"] | ScheduleSpec;
  /** Greatest norm of the gradients; default: no limit. */
  clipNorm?: number;
  /** Factor on the encoder's learning rate, above 0; default 1. */
  encoderLearningRate?: number;
  /** Epochs at the beginning in which the encoder stays as it is; default 0. */
  frozenEncoderEpochs?: number;
  /**
   * "frozen": the encoder's batch norms keep the running statistics that they came with, for small
   * batches on a pretrained encoder; default "train".
   */
  batchNorm?: "train" | "frozen";
  /**
   * Decay of the running mean of the weights by which an epoch is judged and which is kept, in [0, 1);
   * default 0: none, the last weights themselves.
   */
  weightAveraging?: number;
  /**
   * The least weight of a batch in batch norm's running statistics, in [0, 1]; default 0: the model's
   * own, which for EfficientNet (0.01) suits long trainings only.
   */
  statisticsMomentum?: number;
  /** Default "cross-entropy". */
  loss?: LossName;
  /** Weight of each class in the cross entropy; default all 1. */
  classWeights?: readonly number[];
  /** Draws as many patches with crypt as without; default false. */
  classBalance?: boolean;
  /** A name of `lib/augment/presets.ts`, or one of your own (then without workers); default "flips". */
  augmentation?: string | Augmentation;
  /**
   * Published weights that the encoder starts from (smp's `encoder_weights`); default null: random
   * ones. `initialWeights` overrule them.
   */
  encoderWeights?: "imagenet" | null;
  /** Weights to start from (a whole model or an encoder, see `loadWeights`); default: random. */
  initialWeights?: string;
  /** Decides weights, order, augmentation and drop-connect; default 0. */
  seed?: number;
  /** By which factor the images were resized before patching; recorded for inference; default 1. */
  scale?: number;
  /** µm per pixel of the patches; recorded for inference; default: not known. */
  pixelSize?: number;
  /** How probabilities become crypts, recorded for inference; default: nothing. */
  decision?: Decision;

  /**
   * Goes on from the last finished epoch of an earlier run with the same settings and patches;
   * default true. With other settings training starts anew (and `onMessage` says so).
   */
  resume?: boolean;
  /** Aborting rejects with the signal's reason after the running step. */
  signal?: AbortSignal;
  /** A file that, once it exists, ends training after the running step; it is then removed. */
  stopFile?: string;

  /** Threads that decode and augment; 0: none; default: up to 2, one core being left alone. */
  workers?: number;
  /** Batches in preparation at most; default 2. */
  ahead?: number;
  /** Memory for decoded patches; default 1 GiB. */
  cacheBytes?: number;

  onStep?: (progress: StepProgress) => void;
  onEpoch?: (log: EpochLog) => void;
  /**
   * Called after each validation with the weights that were validated (the running mean where there is
   * one), e.g. for a picture of what they predict; training goes on when it has resolved.
   */
  onValidation?: (log: EpochLog, model: SegmentationModel) => void | Promise<void>;
  onFold?: (result: FoldResult) => void;
  /** Hears what a log should say: a fold goes on, starts anew, ends early. */
  onMessage?: (text: string) => void;
}

/** Options in full. */
export type CompleteOptions =
  & Required<Omit<TrainOptions, Absent>>
  & Pick<TrainOptions, Absent>
  & { schedule: ScheduleSpec };

/** Options that may stay away. */
type Absent =
  | "groupOf"
  | "stratumOf"
  | "microBatchSize"
  | "crop"
  | "epochSteps"
  | "pixelSize"
  | "decision"
  | "clipNorm"
  | "classWeights"
  | "initialWeights"
  | "signal"
  | "stopFile"
  | "onValidation";
