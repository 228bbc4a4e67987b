/** Checkpoints: the best weights for inference, and everything that going on needs. */
import type { OptimizerState } from "../ranger/mod.ts";
import { clearDone, digestFile, exists } from "../base/mod.ts";
import {
  assignWeights,
  fromTorch,
  type NamedTensor,
  readSafetensors,
  saveWeights,
  type SegmentationModel,
  toTorch,
  writeSafetensors,
} from "../model/mod.ts";
import type { EpochLog } from "./logs.ts";
import type { Decision } from "./decision.ts";
import type { Target } from "./targets.ts";

/** The entry of a weight file's metadata that holds its {@link TrainingInfo} as JSON. */
export const TRAINING_KEY = "crypts.training";
const OPTIMIZER_PREFIX = "optimizer.";
const AVERAGE_PREFIX = "average.";

/** What a weight file says about its training. */
export interface TrainingInfo {
  modelName: string;
  fold: number;
  /** 1 for the first. */
  epoch: number;
  validLoss: number;
  /** Soft Dice. */
  validDice: number;
  /** The factor by which images are to be resized before they are cut into tiles. */
  scale: number;
  /** µm per pixel of the patches; null (absent in older files) where it was not known. */
  pixelSize?: number | null;
  /** How probabilities become crypts, see `TrainOptions.decision`. */
  decision?: Decision;
  /** What the classes are, see `TargetOptions`; absent in older files: "crypt". */
  target?: Target;
  /** Height and width of the patches, in pixels of the resized image. */
  patchSize: [number, number];
  /** Images that the weights were not trained on. */
  validationImages: string[];
  /** The settings that decide the result (see `trainingSettings`). */
  settings: Record<string, unknown>;
}

/** Writes the weights with all that inference and a reader need to know. */
export async function saveBest(
  model: SegmentationModel,
  path: string,
  info: TrainingInfo,
): Promise<void> {
  await saveWeights(model, path, { [TRAINING_KEY]: JSON.stringify(info) });
}

/** What {@link saveBest} wrote into a file's metadata; null for weights from elsewhere. */
export function readTrainingInfo(metadata: Record<string, string>): TrainingInfo | null {
  return metadata[TRAINING_KEY] ? JSON.parse(metadata[TRAINING_KEY]) : null;
}

/** A training between two epochs. No random state: every epoch's streams follow from the seed. */
export interface Progress {
  fold: number;
  epochs: EpochLog[];
  /** Steps taken so far. */
  steps: number;
  patchSize: [number, number];
  /** SHA-256 of the file of the best weights; null before the first epoch. */
  best: string | null;
  /** The settings that decide the result; another run must have the same to go on. */
  settings: Record<string, unknown>;
}

/**
 * Writes model, optimizer and progress into one file, whole or not at all.
 *
 * @param average running means of weights by name (`WeightAverage.save`)
 */
export async function saveProgress(
  path: string,
  model: SegmentationModel,
  optimizer: OptimizerState,
  progress: Progress,
  average?: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors: (NamedTensor & { name: string })[] = [];
  for (const { name, torchShape, layout, variable } of model.parameters.values()) {
    const values = toTorch(await variable.data() as Float32Array, torchShape, layout);
    tensors.push({ name, shape: torchShape, values });
  }
  for (const [key, values] of Object.entries(optimizer.tensors)) {
    const name = key.slice(0, key.lastIndexOf("."));
    const { torchShape, layout } = model.parameters.get(name)!;
    tensors.push({
      name: OPTIMIZER_PREFIX + key,
      shape: torchShape,
      values: toTorch(values, torchShape, layout),
    });
  }
  for (const [name, values] of average ?? []) {
    const { torchShape, layout } = model.parameters.get(name)!;
    tensors.push({
      name: AVERAGE_PREFIX + name,
      shape: torchShape,
      values: toTorch(values, torchShape, layout),
    });
  }
  await writeSafetensors(path, tensors, {
    format: "pt",
    progress: JSON.stringify(progress),
    optimizer_steps: JSON.stringify(optimizer.steps),
  });
}

/**
 * Brings the file of the best weights to what `progress` says of it. Best weights are written under
 * the name `pending` first, then the checkpoint with their digest, then they get their own name: a
 * run killed between any two of these is put right here.
 *
 * @returns why the weights cannot be gone on from; null when they can
 */
export async function settleBest(
  { best, pending }: { best: string; pending: string },
  progress: Progress,
): Promise<string | null> {
  const digest = async (path: string) => await exists(path) ? await digestFile(path) : null;
  const found = await digest(best);
  if (found !== progress.best && await digest(pending) === progress.best) {
    await Deno.rename(pending, best);
    return null;
  }
  await clearDone(pending);
  if (found === progress.best) return null;
  return found ? `${best} is not what was trained` : `${best} is missing`;
}

/** What {@link saveProgress} wrote. */
export interface SavedProgress {
  progress: Progress;
  tensors: Map<string, NamedTensor>;
  optimizerSteps: Record<string, number>;
}

/**
 * Reads a file of {@link saveProgress}; null when there is none.
 *
 * @throws {Error} naming the file when it is something else
 */
export async function readProgress(path: string): Promise<SavedProgress | null> {
  if (!await exists(path)) return null;
  const { tensors, metadata } = await readSafetensors(path);
  if (!metadata.progress || !metadata.optimizer_steps) {
    throw new Error(`${path} is no training checkpoint: remove it to start anew`);
  }
  return {
    progress: JSON.parse(metadata.progress),
    tensors,
    optimizerSteps: JSON.parse(metadata.optimizer_steps),
  };
}

/** Puts the saved values into `model` and returns the optimizer's state. */
export function restoreProgress(
  saved: SavedProgress,
  model: SegmentationModel,
  path: string,
): OptimizerState {
  const weights = new Map<string, NamedTensor>();
  const state: OptimizerState = { steps: saved.optimizerSteps, tensors: {} };
  for (const [name, tensor] of saved.tensors) {
    if (name.startsWith(AVERAGE_PREFIX)) continue;
    if (!name.startsWith(OPTIMIZER_PREFIX)) {
      weights.set(name, tensor);
      continue;
    }
    const key = name.slice(OPTIMIZER_PREFIX.length);
    const parameter = model.parameters.get(key.slice(0, key.lastIndexOf(".")));
    if (!parameter) throw new Error(`${path}: no parameter belongs to ${name}`);
    state.tensors[key] = fromTorch(tensor.values, parameter.torchShape, parameter.layout);
  }
  assignWeights(model, weights, path);
  return state;
}

/** The running means that {@link saveProgress} wrote, in the layout of the model's variables. */
export function savedAverage(
  saved: SavedProgress,
  model: SegmentationModel,
): Map<string, Float32Array> {
  const average = new Map<string, Float32Array>();
  for (const { name, layout, torchShape } of model.parameters.values()) {
    const tensor = saved.tensors.get(AVERAGE_PREFIX + name);
    if (tensor) average.set(name, fromTorch(tensor.values, torchShape, layout));
  }
  return average;
}
