/** The training method: folds by image, early stopping, logs, checkpoints that survive a kill. */
import { trainFold } from "./fold.ts";
import { foldPaths, type FoldResult } from "./fold_result.ts";
import { splitFolds } from "./folds.ts";
import { writeReport } from "./logs.ts";
import { completeOptions, type TrainOptions } from "./options.ts";
import type { Patch } from "../patching/mod.ts";

/**
 * Trains a model for each fold and keeps its best weights.
 *
 * Files: `<outDir>/<modelName>_fold<k>.safetensors` (best weights, see {@link TrainingInfo}),
 * `<outDir>/last/…` (to go on from), `<logDir>/<modelName>_fold<k>.csv` after every epoch and
 * `<logDir>/<modelName>_report.csv` after every fold. Killed at any moment and started again with the
 * same settings, it goes on from the last finished epoch and ends with the same weights, bit for bit
 * (on the same backend with as many threads: sums are split among them).
 *
 * @returns the folds in the order asked for; fewer when the stop file ended it early
 * @throws {RangeError} for a setting out of its range, or fewer images than folds
 * @throws {DivergedError} naming the batch's files when a loss is NaN or infinite
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * await selectBackend();
 * const patches = await readTrainData("runs/demo/train_data.csv");
 * await trainFolds(patches, {
 *   model: { architecture: "Unet", encoder: "efficientnet-b0" },
 *   modelName: "unet_b0",
 *   outDir: "models",
 *   logDir: "logs",
 * });
 * ```
 */
export async function trainFolds(
  patches: readonly Patch[],
  options: TrainOptions,
): Promise<FoldResult[]> {
  const complete = completeOptions(options);
  const { foldCount, splitSeed, groupOf, folds } = complete;
  const split = splitFolds(patches, foldCount, { seed: splitSeed, groupOf });
  const results: FoldResult[] = [];
  for (const k of folds) {
    complete.signal?.throwIfAborted();
    const result = await trainFold(split[k], complete);
    if (!result) break;
    results.push(result);
    await writeReport(
      `${complete.logDir}/${complete.modelName}_report.csv`,
      results.map(({ fold, validLoss }) => ({
        modelName: foldPaths(complete, fold).name,
        validLoss,
      })),
    );
    complete.onFold(result);
    if (result.ended === "stop file") break;
  }
  return results;
}
