/** What a notebook needs from the notebooks before it: found, or made on the spot. */
import { join } from "node:path";
import { type Dataset, openDataset } from "../dataset/mod.ts";
import { exists, PROJECT_ROOT } from "../base/mod.ts";
import { openEnsemble } from "../inference/mod.ts";
import { loadModel, type SegmentationModel } from "../model/mod.ts";
import { ORIGINAL_RULE, type Patch, preparePatches, readTrainData } from "../patching/mod.ts";
import type { Profile } from "./profile.ts";
import { createProgress, type Progress } from "./progress.ts";
import { ensureBuiltIn } from "../synthetic/mod.ts";
import { checkFoldCount, type TrainOptions } from "../training/mod.ts";
import { shortPath, type Workspace } from "./workspace.ts";

/** The model that comes with the project: trained on the built-in data, see `models/README.md`. */
export const BUNDLED_MODEL: string = join(
  PROJECT_ROOT,
  "models",
  "bundled",
  "unet_b0_builtin_fold1.safetensors",
);

/** Opens the workspace's data set; the built-in one is drawn first where it is missing. */
export async function openData(workspace: Workspace): Promise<Dataset> {
  if (workspace.builtIn && await ensureBuiltIn(workspace.dataRoot)) {
    console.log("the built-in data set was drawn first");
  }
  return await openDataset(workspace.dataRoot);
}

/** The settings of `preparePatches` that a profile and a workspace stand for. */
export function patchOptions(workspace: Workspace, profile: Profile) {
  return {
    window: [profile.patch, profile.patch] as const,
    step: [profile.stride, profile.stride] as const,
    mode: profile.patchMode,
    scale: profile.scale,
    filter: { ...ORIGINAL_RULE, channels: profile.tissueChannels },
    outDir: workspace.work,
    csvPath: join(workspace.work, "train_data.csv"),
  };
}

/**
 * The training patches of a profile: those that DataPreparation has made where images, annotations
 * and settings are still the same; what has changed since is cut now.
 *
 * @throws {RangeError} when the data set has fewer annotated images than the profile has folds, naming
 *   the number that fits, before anything is cut
 */
export async function ensurePatches(workspace: Workspace, profile: Profile): Promise<Patch[]> {
  const { train } = await openData(workspace);
  checkFoldCount(train.filter((record) => record.annotated).map(({ id }) => id), profile.foldCount);
  await cutPatches(workspace, profile);
  return await readTrainData(patchOptions(workspace, profile).csvPath);
}

/**
 * Brings the patches of a profile in `workspace.work` up to date, with a progress bar and a line for
 * each image that is cut again.
 *
 * @returns what became of every window
 */
export async function cutPatches(workspace: Workspace, profile: Profile) {
  const { train } = await openData(workspace);
  let bar: Progress | undefined;
  const patches = await preparePatches(train, {
    ...patchOptions(workspace, profile),
    onMessage: (text) => console.log(text),
    onProgress: (done, total, record) => {
      bar ??= createProgress("Cutting patches", total, { unit: "window" });
      bar.update(done, record.id);
    },
  });
  await bar?.finish(`${patches.filter((patch) => patch.kept).length} patches kept`);
  return patches;
}

/** The settings of `trainFolds` that a profile and a workspace stand for. */
export function trainOptions(workspace: Workspace, profile: Profile): TrainOptions {
  const { model, modelName, foldCount, folds, batchSize, epochs, patience, optimizer } = profile;
  const { learningRate, weightDecay, schedule, statisticsMomentum, seed, scale } = profile;
  return {
    ...{ model, modelName, foldCount, folds, batchSize, epochs, patience, optimizer },
    ...{ learningRate, weightDecay, schedule, statisticsMomentum, seed, scale },
    augmentation: profile.augmentation,
    splitSeed: seed,
    outDir: workspace.models,
    logDir: join(workspace.models, "logs"),
    stopFile: join(workspace.models, "STOP"),
  };
}

/**
 * The files of a profile's trained folds, in order; where there are none, the PyTorch checkpoints
 * (`*.pth`) that were put into the models folder; where there are none either, the bundled model.
 */
export async function modelFiles(workspace: Workspace, profile: Profile): Promise<string[]> {
  const paths: string[] = [];
  for (let k = 0; k < profile.foldCount; k++) {
    const path = join(workspace.models, `${profile.modelName}_fold${k}.safetensors`);
    if (await exists(path)) paths.push(path);
  }
  if (paths.length === 0 && await exists(workspace.models)) {
    const names = [...Deno.readDirSync(workspace.models)].map((entry) => entry.name);
    const checkpoints = names.filter((name) => name.endsWith(".pth")).sort();
    paths.push(...checkpoints.map((name) => join(workspace.models, name)));
  }
  return paths.length > 0 ? paths : [BUNDLED_MODEL];
}

/**
 * Opens the fold models that Training has made; without them the bundled model.
 *
 * @returns the ensemble, the factor by which images are resized for it, and for the reader where it
 *   comes from
 * @throws {Error} naming a model file that cannot be read
 */
export async function openFolds(workspace: Workspace, profile: Profile) {
  const paths = await modelFiles(workspace, profile);
  const { predictors, scale } = await openEnsemble(paths);
  return { predictors, paths, scale: scale ?? profile.scale, source: sourceOf(paths) };
}

/** The first fold's model (or the bundled one) for its encoder. */
export async function openEncoder(
  workspace: Workspace,
  profile: Profile,
): Promise<{ model: SegmentationModel; source: string; path: string }> {
  const [path] = await modelFiles(workspace, profile);
  const { model } = await loadModel(path);
  return { model, path, source: sourceOf([path]) };
}

function sourceOf(paths: string[]): string {
  if (paths[0] === BUNDLED_MODEL) return "the bundled model (no folds have been trained here)";
  return paths.map((path) => shortPath(path)).join(", ");
}
