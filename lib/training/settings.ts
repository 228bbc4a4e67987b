/** The settings that decide a training's result: runs that share them can go on from each other. */
import { basename } from "node:path";
import type { CompleteOptions } from "./options.ts";
import type { Fold } from "./folds.ts";
import type { Patch } from "../patching/mod.ts";

/** As plain JSON. The number of epochs belongs to it only where the schedule depends on it. */
export async function trainingSettings(
  options: CompleteOptions,
  fold: Fold,
): Promise<Record<string, unknown>> {
  const { augmentation, schedule } = options;
  const settings = {
    model: options.model,
    fold: fold.index,
    trainPatches: await digest(fold.train),
    validationPatches: await digest(fold.validation),
    batchSize: options.batchSize,
    microBatchSize: options.microBatchSize,
    epochs: schedule.kind === "constant" ? undefined : options.epochs,
    optimizer: options.optimizer,
    learningRate: options.learningRate,
    weightDecay: options.weightDecay,
    schedule,
    clipNorm: options.clipNorm,
    statisticsMomentum: options.statisticsMomentum || undefined,
    loss: options.loss,
    classWeights: options.classWeights,
    classBalance: options.classBalance,
    augmentation: typeof augmentation === "string" ? augmentation : augmentation.name,
    initialWeights: options.initialWeights && basename(options.initialWeights),
    seed: options.seed,
    scale: options.scale,
  };
  return JSON.parse(JSON.stringify(settings));
}

/** Names of the settings in which two runs differ. */
export function differences(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}

/** Number of patches and a checksum over their file names, order included. */
async function digest(patches: readonly Patch[]): Promise<string> {
  const names = patches.map((p) => `${basename(p.imagePath)} ${p.crypt}`).join("\n");
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(names));
  const hex = Array.from(new Uint8Array(hash, 0, 8), (b) => b.toString(16).padStart(2, "0"));
  return `${patches.length} files, ${hex.join("")}`;
}
