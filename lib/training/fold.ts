/** The training of one fold from start or checkpoint to its end. */
import { Adam, Ranger } from "../ranger/mod.ts";
import { createAugmentation } from "../augment/mod.ts";
import {
  clearDone,
  createRandom,
  digestFile,
  exists,
  type Random,
  writeWith,
} from "../base/mod.ts";
import { createPretrainedModel, loadWeights } from "../model/mod.ts";
import {
  type Progress,
  readProgress,
  restoreProgress,
  savedAverage,
  type SavedProgress,
  settleBest,
} from "./checkpoint.ts";
import { ending, type FoldPaths, foldPaths, type FoldResult, foldResult } from "./fold_result.ts";
import { FoldRun, isEncoder } from "./fold_run.ts";
import type { Fold } from "./folds.ts";
import { writeFoldLog } from "./logs.ts";
import type { CompleteOptions } from "./options.ts";
import { updateReport } from "./report.ts";
import { localSource, type SampleSettings, type SampleSource } from "./sample_source.ts";
import { type ContentDigests, differences, trainingSettings } from "./settings.ts";
import { WeightAverage } from "./weight_averaging.ts";
import { workerSource } from "./worker_source.ts";

/**
 * Trains one fold, or goes on with it. Null when it was asked to stop before its first epoch ended.
 *
 * @throws {DivergedError} naming the files of the batch whose loss was not finite
 * @throws the signal's reason when aborted
 */
export async function trainFold(
  fold: Fold,
  options: CompleteOptions,
  contents: ContentDigests,
): Promise<FoldResult | null> {
  const paths = foldPaths(options, fold.index);
  const settings = trainingSettings(options, fold, contents);
  const saved = await findProgress(paths, settings, options);
  const done = saved && ending(saved.progress, options);
  if (done) {
    await writeFoldLog(
      paths.log,
      paths.name,
      saved.progress.epochs,
      options.target !== "crypt",
    );
    return foldResult(fold, paths.best, saved.progress.epochs, options, done);
  }
  if (!saved) await startAnew(paths, options.onMessage);
  const random = createRandom(options.seed).fork(`fold ${fold.index}`);
  const model = await createPretrainedModel({
    ...options.model,
    // Weights of one's own come with their encoder.
    encoderWeights: options.initialWeights ? null : options.encoderWeights,
    seed: random.fork("weights").int(2 ** 31),
  });
  const optimizer = createOptimizer(options);
  const source = createSource(options, random);
  let average: WeightAverage | null = null;
  try {
    const progress: Progress = saved?.progress ??
      { fold: fold.index, epochs: [], steps: 0, patchSize: [0, 0], best: null, settings };
    if (saved) {
      optimizer.restoreState(restoreProgress(saved, model, paths.last));
      options.onMessage(`${paths.name} goes on after epoch ${progress.epochs.length}`);
    } else if (options.initialWeights) {
      await loadWeights(model, options.initialWeights);
    }
    if (options.weightAveraging > 0) {
      const before = saved ? savedAverage(saved, model) : undefined;
      average = new WeightAverage(model, options.weightAveraging, progress.steps, before);
    }
    const work = { random, model, optimizer, average, source, progress };
    return await new FoldRun(fold, options, paths, work).train();
  } finally {
    average?.dispose();
    source.close();
    optimizer.dispose();
    model.dispose();
  }
}

/** The progress to go on from, if it fits; says why when it does not. */
async function findProgress(
  paths: FoldPaths,
  settings: Record<string, unknown>,
  options: CompleteOptions,
): Promise<SavedProgress | null> {
  if (!options.resume) return null;
  const say = (why: string) => options.onMessage(`${paths.name} starts anew: ${why}`);
  const saved = await readProgress(paths.last);
  if (!saved) {
    if (await exists(paths.best)) say(`${paths.best} has no checkpoint beside it, and is replaced`);
    return null;
  }
  const changed = differences(saved.progress.settings, settings);
  if (changed.length > 0) {
    say(`${changed.join(", ")} changed since the last run`);
    return null;
  }
  const wrong = await settleBest(paths, saved.progress);
  if (wrong) say(wrong);
  return wrong ? null : saved;
}

/**
 * Takes back what earlier runs have said of this fold, the checkpoint first: from here on a killed
 * run leaves nothing that passes for finished. The old weights stay until there are better ones, and
 * a copy for good, so that a changed setting costs nobody hours of training.
 */
async function startAnew(paths: FoldPaths, say: (message: string) => void): Promise<void> {
  await clearDone(paths.last);
  await clearDone(paths.pending);
  await updateReport(paths.report, paths.name, null);
  if (!await exists(paths.best)) return;
  // Named by what is in it: whatever is trained afterwards leaves it as it is.
  const kept = `${paths.previous}/${paths.name}_${(await digestFile(paths.best)).slice(0, 8)}`;
  await writeWith(`${kept}.safetensors`, (temporary) => Deno.copyFile(paths.best, temporary));
  say(`the weights that were there are kept as ${kept}.safetensors`);
}

/** The optimizer of the options. */
export function createOptimizer(options: CompleteOptions) {
  const { optimizer, learningRate, weightDecay, encoderLearningRate } = options;
  const rateFactor = (name: string) => isEncoder(name) ? encoderLearningRate : 1;
  return optimizer === "ranger"
    ? new Ranger(learningRate, { weightDecay, rateFactor })
    : new Adam(learningRate, { weightDecay, rateFactor });
}

/** Where the samples of a training come from. */
export function createSource(options: CompleteOptions, random: Random): SampleSource {
  const { augmentation, workers, cacheBytes } = options;
  const { target, boundaryWidth, gapWeight, gapWidth, cropZoom: zoom, cropRotate: rotate } =
    options;
  const seed = random.fork("augmentation").int(2 ** 31);
  const settings: SampleSettings = {
    target: { target, boundaryWidth, gapWeight, gapWidth },
    crop: options.crop === undefined ? undefined : { side: options.crop, zoom, rotate },
  };
  if (typeof augmentation !== "string") {
    return localSource(augmentation, seed, cacheBytes, settings);
  }
  const created = createAugmentation(augmentation);
  if (workers === 0) return localSource(created, seed, cacheBytes, settings);
  return workerSource({ augmentation, seed, cacheBytes, ...settings }, workers);
}
