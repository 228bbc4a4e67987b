/** What a notebook needs from the notebooks before it: found, or made on the spot. */
import { join } from "node:path";
import { type Dataset, type ImageRecord, openDataset } from "../dataset/mod.ts";
import { exists } from "../base/mod.ts";
import { openEnsemble } from "../inference/mod.ts";
import {
  BUNDLED_MODEL,
  initialWeightsPath,
  loadModel,
  readSafetensorsHeader,
  type SegmentationModel,
} from "../model/mod.ts";
import {
  ORIGINAL_RULE,
  type Patch,
  preparePatches,
  readTrainData,
  trainedPixelSize,
} from "../patching/mod.ts";
import type { Profile } from "./profile_settings.ts";
import { createProgress, type Progress } from "./progress.ts";
import { ensureBuiltIn } from "../synthetic/mod.ts";
import {
  checkFoldCount,
  chooseGrouping,
  classesOf,
  type Grouping,
  needsLabels,
  readTrainingInfo,
  type TrainOptions,
  unlikeSettings,
} from "../training/mod.ts";
import { shortPath, type Workspace } from "./workspace.ts";

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
    window: [profile.cropFrom || profile.patch, profile.cropFrom || profile.patch] as const,
    step: [profile.stride, profile.stride] as const,
    mode: profile.patchMode,
    scale: profile.scale,
    pixelSize: profile.pixelSize ?? undefined,
    labels: needsLabels(profile),
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

/**
 * The settings of `trainFolds` that a profile and a workspace stand for.
 *
 * @param dataset decides with `groupBy` which images stay together in folds, and whether the models
 *   can say their pixel size; without it each image is for itself, and they do not
 * @throws {RangeError} naming images of unknown pixel size where others have one and `pixelSize` is set
 */
export function trainOptions(
  workspace: Workspace,
  profile: Profile,
  dataset?: Dataset,
): TrainOptions {
  const modelName = modelNameOf(workspace, profile);
  const { foldCount, folds, batchSize, epochs, patience, optimizer } = profile;
  const { learningRate, weightDecay, schedule, statisticsMomentum, seed, scale } = profile;
  const { target, boundaryWidth, gapWeight, loss, augmentation, cropZoom, cropRotate } = profile;
  const { keep, encoderLearningRate, frozenEncoderEpochs, batchNorm, weightAveraging } = profile;
  const wanted = { pixelSize: profile.pixelSize ?? undefined };
  const { groupOf, stratumOf } = dataset ? foldGrouping(dataset, profile) : {};
  return {
    ...{ groupOf, stratumOf },
    ...{ modelName, foldCount, folds, batchSize, epochs, patience, optimizer },
    ...{ learningRate, weightDecay, schedule, statisticsMomentum, seed, scale },
    ...{ target, boundaryWidth, gapWeight, loss, augmentation, cropZoom, cropRotate },
    ...{ keep, encoderLearningRate, frozenEncoderEpochs, batchNorm, weightAveraging },
    model: { ...profile.model, classes: classesOf(target) },
    decision: decisionOf(profile),
    encoderWeights: profile.encoderWeights,
    initialWeights: profile.initialWeights === null
      ? undefined
      : initialWeightsPath(profile.initialWeights),
    crop: profile.cropFrom ? profile.patch : undefined,
    epochSteps: profile.epochSteps || undefined,
    pixelSize: dataset && (trainedPixelSize(dataset.train, wanted) ?? undefined),
    splitSeed: seed,
    outDir: workspace.models,
    logDir: join(workspace.models, "logs"),
    stopFile: join(workspace.models, "STOP"),
    onMessage: (text) => console.log(text),
  };
}

/** How a profile makes crypts of probabilities; its models carry it along. */
export function decisionOf(profile: Profile) {
  const { threshold, interior, minProbability, minAreaUm2 } = profile;
  return { threshold, interior, minProbability, ...(minAreaUm2 !== null && { minAreaUm2 }) };
}

/** How a profile's folds are split over the annotated training images, and a line that says so. */
export function foldGrouping(dataset: Dataset, profile: Profile): Grouping {
  const annotated = dataset.train.filter((record) => record.annotated);
  return chooseGrouping(profile.groupBy, annotated, profile.foldCount);
}

/**
 * The name of a profile's models: its own `modelName`, else architecture, encoder, data set and scale.
 *
 * @example
 * ```ts
 * import { chooseProfile, modelNameOf, openWorkspace } from "crypts/notebook";
 * const workspace = await openWorkspace({ data: "Synthetic_crypt_dataset" });
 * modelNameOf(workspace, chooseProfile("demo")); // "unet_lite0_synthetic_x0.5"
 * ```
 */
export function modelNameOf(workspace: Workspace, profile: Profile): string {
  if (profile.modelName !== null) return profile.modelName;
  const { architecture, encoder } = profile.model;
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9.+-]+/g, "_");
  const short = encoder.replace(/^(timm-)?(tf_)?efficientnet[-_]/, "");
  const data = workspace.name.replace(/_crypt_dataset$|_dataset$/i, "");
  const scale = profile.scale === 1 ? [] : [`x${profile.scale}`];
  return [architecture, short, data, ...scale].map(plain).join("_");
}

/**
 * The files of a profile's trained folds, in order; where there are none, the PyTorch checkpoints
 * (`*.pth`) that were put into the models folder; where there are none either, the bundled model.
 */
export async function modelFiles(workspace: Workspace, profile: Profile): Promise<string[]> {
  const paths: string[] = [], name = modelNameOf(workspace, profile);
  for (let k = 0; k < profile.foldCount; k++) {
    const path = join(workspace.models, `${name}_fold${k}.safetensors`);
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
 * @param records the images it is to see: where their pixel size and the models' are known, the factor
 *   follows from them
 * @returns the ensemble, the factor by which images are resized for it, the tile and the decision from
 *   probabilities to crypts that it was trained for, and for the reader where it comes from
 * @throws {RangeError} naming two folds that were trained with unlike settings, and these
 * @throws {Error} naming a model file that cannot be read
 */
export async function openFolds(
  workspace: Workspace,
  profile: Profile,
  records: readonly ImageRecord[] = [],
) {
  const paths = await modelFiles(workspace, profile);
  await refuseUnlikeFolds(paths);
  const { predictors, scale, pixelSize, tile, decision } = await openEnsemble(paths);
  return {
    ...{ predictors, paths, modelPixelSize: pixelSize, source: sourceOf(paths) },
    scale: scaleTo(pixelSize, records) ?? scale ?? profile.scale,
    tile: tile ?? profile.patch,
    decision: { ...decisionOf(profile), ...decision },
  };
}

/** The factor that brings the images to a model's pixel size; null where either is not known. */
function scaleTo(pixelSize: number | null, records: readonly ImageRecord[]): number | null {
  const known = records.flatMap((record) => record.pixelSize ?? []).sort((a, b) => a - b);
  return pixelSize !== null && known.length > 0 ? known[known.length >> 1] / pixelSize : null;
}

async function refuseUnlikeFolds(paths: readonly string[]): Promise<void> {
  let first: { path: string; settings: Record<string, unknown> } | null = null;
  for (const path of paths.filter((name) => name.endsWith(".safetensors"))) {
    const info = readTrainingInfo((await readSafetensorsHeader(path)).metadata);
    if (!info) continue;
    first ??= { path, settings: info.settings };
    const unlike = unlikeSettings(first.settings, info.settings);
    if (unlike.length === 0) continue;
    throw new RangeError(
      `${shortPath(first.path)} and ${shortPath(path)} are no ensemble, they differ in ` +
        `${unlike.join(", ")}: train all folds with one profile, or move the other ones away`,
    );
  }
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
