/** The training method: folds by image, early stopping, logs, checkpoints that survive a kill. */
import { join } from "node:path";
import { FileDigests, lockFolder, sweepTemporary } from "../base/mod.ts";
import { trainFold } from "./fold.ts";
import { foldPaths, type FoldResult } from "./fold_result.ts";
import { splitFolds } from "./folds.ts";
import { refuseOtherNetworks } from "./model_names.ts";
import { updateReport } from "./report.ts";
import { digestContents } from "./settings.ts";
import { completeOptions } from "./complete_options.ts";
import type { TrainOptions } from "./options.ts";
import type { Patch } from "../patching/mod.ts";

/**
 * Trains a model for each fold and keeps its best weights.
 *
 * Files: `<outDir>/<modelName>_fold<k>.safetensors` (best weights, see {@link TrainingInfo}),
 * `<outDir>/last/…` (to go on from), `<logDir>/<modelName>_fold<k>.csv` after every epoch and
 * `<logDir>/<modelName>_report.csv` after every fold, the rows of other folds kept. Killed at any
 * moment and started again with the same settings, it goes on from the last finished epoch and ends
 * with the same weights, bit for bit (on the same backend with as many threads: sums are split among
 * them).
 *
 * A fold that was trained on other patches (by content), from other initial weights or with other
 * settings is trained anew, and `onMessage` says why.
 *
 * @returns the folds in the order asked for; fewer when the stop file ended it early
 * @throws {RangeError} for a setting out of its range, or fewer images than folds
 * @throws {RangeError} when folds of another network are there under `modelName`; nothing is changed
 * @throws {FolderLockedError} when another run is training into `outDir`
 * @throws {DivergedError} naming the batch's files when a loss is NaN or infinite
 * @throws the signal's reason when aborted
 * @example
 * ```ts
 * import { selectBackend } from "crypts/backend";
 * import { readTrainData } from "crypts/patching";
 * import { trainFolds } from "crypts/training";
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
  const { foldCount, splitSeed, groupOf, stratumOf, folds } = complete;
  const split = splitFolds(patches, foldCount, { seed: splitSeed, groupOf, stratumOf });
  await refuseOtherNetworks(complete);
  await using _lock = await lockFolder(complete.outDir, "training");
  const last = join(complete.outDir, "last");
  for (const folder of [complete.outDir, last, complete.logDir]) await sweepTemporary(folder);
  const digests = await FileDigests.open(join(last, ".digests.json"));
  const contents = await digestContents(patches, complete, digests);
  await digests.save();
  const results: FoldResult[] = [];
  for (const k of folds) {
    complete.signal?.throwIfAborted();
    const result = await trainFold(split[k], complete, contents);
    if (!result) break;
    results.push(result);
    const { name, report } = foldPaths(complete, k);
    await updateReport(report, name, result.validLoss);
    complete.onFold(result);
    if (result.ended === "stop file") break;
  }
  return results;
}
