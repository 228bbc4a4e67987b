/** What the training of a fold comes to, and where its files lie. */
import type { Progress } from "./checkpoint.ts";
import { earlyStopping } from "./early_stopping.ts";
import type { Fold } from "./folds.ts";
import type { EpochLog } from "./logs.ts";

/** What the training of a fold came to. */
export interface FoldResult {
  fold: number;
  /** The best weights. */
  modelPath: string;
  /** 1 for the first. */
  bestEpoch: number;
  validLoss: number;
  validDice: number;
  epochs: EpochLog[];
  validationImages: string[];
  /** Why it ended: all epochs done, no patience left, or asked to stop by the stop file. */
  ended: "epochs" | "patience" | "stop file";
}

/** The name of a fold's model and its files. */
export type FoldPaths = ReturnType<typeof foldPaths>;

/** Where a fold's files lie. */
export function foldPaths(
  options: { modelName: string; outDir: string; logDir: string },
  k: number,
) {
  const name = `${options.modelName}_fold${k}`;
  return {
    name,
    best: `${options.outDir}/${name}.safetensors`,
    last: `${options.outDir}/last/${name}.safetensors`,
    /** Where weights lie that {@link best} was before a training from the beginning. */
    previous: `${options.outDir}/previous`,
    /** Best weights until the checkpoint names them. */
    pending: `${options.outDir}/last/${name}_best.safetensors`,
    log: `${options.logDir}/${name}.csv`,
    report: `${options.logDir}/${options.modelName}_report.csv`,
  };
}

/** The settings that end a fold. */
export interface Limits {
  epochs: number;
  patience: number;
  /** Which epoch's weights are kept. */
  keep: "best" | "last";
}

/** Best epoch and patience left after `epochs`. */
export function patienceState(epochs: readonly EpochLog[], { patience }: Limits) {
  return earlyStopping(epochs.map((e) => e.validLoss), patience);
}

/** Index of the epoch whose weights are kept after `epochs`; -1 before the first. */
export function keptEpoch(epochs: readonly EpochLog[], limits: Limits): number {
  return limits.keep === "last" ? epochs.length - 1 : patienceState(epochs, limits).best;
}

/** Why there is no further epoch; null when there is one. */
export function ending({ epochs }: Progress, limits: Limits): FoldResult["ended"] | null {
  if (patienceState(epochs, limits).patienceLeft === 0) return "patience";
  return epochs.length >= limits.epochs ? "epochs" : null;
}

/** The result of a fold that ended after `epochs`, at least one. */
export function foldResult(
  { index, validationImages }: Fold,
  modelPath: string,
  epochs: EpochLog[],
  limits: Limits,
  ended: FoldResult["ended"],
): FoldResult {
  const { epoch, validLoss, validDice } = epochs[keptEpoch(epochs, limits)];
  return {
    fold: index,
    modelPath,
    bestEpoch: epoch,
    validLoss,
    validDice,
    epochs,
    validationImages,
    ended,
  };
}
