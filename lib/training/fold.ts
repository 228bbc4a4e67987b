/** The training of one fold from start or checkpoint to its end. */
import { Adam, Ranger } from "../ranger/mod.ts";
import { createAugmentation } from "../augment/mod.ts";
import { createRandom, exists, type Random } from "../base/mod.ts";
import { createModel, loadWeights } from "../model/mod.ts";
import { type Progress, readProgress, restoreProgress, type SavedProgress } from "./checkpoint.ts";
import { ending, type FoldPaths, foldPaths, type FoldResult, foldResult } from "./fold_result.ts";
import { FoldRun } from "./fold_run.ts";
import type { Fold } from "./folds.ts";
import { writeFoldLog } from "./logs.ts";
import type { CompleteOptions } from "./options.ts";
import { localSource, type SampleSource } from "./sample_source.ts";
import { differences, trainingSettings } from "./settings.ts";
import { workerSource } from "./worker_source.ts";

/**
 * Trains one fold, or goes on with it. Null when it was asked to stop before its first epoch ended.
 *
 * @throws {DivergedError} naming the files of the batch whose loss was not finite
 * @throws the signal's reason when aborted
 */
export async function trainFold(fold: Fold, options: CompleteOptions): Promise<FoldResult | null> {
  const paths = foldPaths(options, fold.index);
  const settings = await trainingSettings(options, fold);
  const saved = await findProgress(paths, settings, options);
  const done = saved && ending(saved.progress, options);
  if (done) {
    await writeFoldLog(paths.log, paths.name, saved.progress.epochs);
    return foldResult(fold, paths.best, saved.progress.epochs, options, done);
  }
  const random = createRandom(options.seed).fork(`fold ${fold.index}`);
  const model = createModel({ ...options.model, seed: random.fork("weights").int(2 ** 31) });
  const optimizer = createOptimizer(options);
  const source = createSource(options, random);
  try {
    const progress: Progress = saved?.progress ??
      { fold: fold.index, epochs: [], steps: 0, patchSize: [0, 0], settings };
    if (saved) {
      optimizer.restoreState(restoreProgress(saved, model, paths.last));
      options.onMessage(`${paths.name} goes on after epoch ${progress.epochs.length}`);
    } else if (options.initialWeights) {
      await loadWeights(model, options.initialWeights);
    }
    const run = new FoldRun(fold, options, paths, random, model, optimizer, source, progress);
    return await run.train();
  } finally {
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
  const saved = options.resume ? await readProgress(paths.last) : null;
  if (!saved) return null;
  const changed = differences(saved.progress.settings, settings);
  if (changed.length > 0) {
    options.onMessage(
      `${paths.name} starts anew: ${changed.join(", ")} changed since the last run`,
    );
    return null;
  }
  if (!await exists(paths.best)) {
    options.onMessage(`${paths.name} starts anew: ${paths.best} is missing`);
    return null;
  }
  return saved;
}

function createOptimizer({ optimizer, learningRate, weightDecay }: CompleteOptions) {
  return optimizer === "adam"
    ? new Adam(learningRate, { weightDecay })
    : new Ranger(learningRate, { weightDecay });
}

function createSource(options: CompleteOptions, random: Random): SampleSource {
  const { augmentation, workers, cacheBytes } = options;
  const seed = random.fork("augmentation").int(2 ** 31);
  if (typeof augmentation !== "string") return localSource(augmentation, seed, cacheBytes);
  const created = createAugmentation(augmentation);
  if (workers === 0) return localSource(created, seed, cacheBytes);
  return workerSource({ augmentation, seed, cacheBytes }, workers);
}
