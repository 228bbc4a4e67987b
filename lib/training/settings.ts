/** The settings that decide a training's result: runs that share them can go on from each other. */
import { differingKeys, digestOf, type FileDigests, fingerprint, type Json } from "../base/mod.ts";
import type { Patch } from "../patching/mod.ts";
import type { Fold } from "./folds.ts";
import type { CompleteOptions } from "./options.ts";

/** Raise it when the same settings and patches begin to give other weights. */
const VERSION = 1;

/**
 * Options that decide where files go, how far a training runs and how fast, but not what its next
 * epoch comes to. What they say of the folds (`foldCount`, `splitSeed`, `groupOf`) is in the patches.
 */
const NEUTRAL: ReadonlySet<string> = new Set(
  [
    "modelName",
    "outDir",
    "logDir",
    "foldCount",
    "folds",
    "splitSeed",
    "patience",
    "resume",
    "signal",
    "stopFile",
    "workers",
    "ahead",
    "cacheBytes",
    "decision",
  ] satisfies (keyof CompleteOptions)[],
);

/** SHA-256 by path: of every patch's image and mask, and of the initial weights. */
export type ContentDigests = ReadonlyMap<string, string>;

/**
 * The digests that {@link trainingSettings} wants.
 *
 * @throws {Error} naming the file that cannot be read
 */
export async function digestContents(
  patches: readonly Patch[],
  options: Pick<CompleteOptions, "initialWeights">,
  digests: FileDigests,
): Promise<ContentDigests> {
  const paths = patches.flatMap((patch) => [patch.imagePath, patch.maskPath]);
  if (options.initialWeights) paths.push(options.initialWeights);
  const found = new Map<string, string>();
  for (const path of paths) found.set(path, await digests.of(path));
  return found;
}

/**
 * As plain JSON: every option but those that decide nothing, so that an option that is added later
 * belongs to it by itself; functions are left out, an augmentation of one's own counts by its name.
 * Patches and initial weights count by their content. The number of epochs belongs to it only where
 * the schedule depends on it.
 *
 * @throws {TypeError} naming an option that is no plain value
 */
export function trainingSettings(
  options: CompleteOptions,
  fold: Fold,
  contents: ContentDigests,
): Record<string, Json> {
  const { augmentation, schedule, initialWeights } = options;
  const deciding = Object.entries(options).filter(([key, value]) =>
    !NEUTRAL.has(key) && typeof value !== "function"
  );
  const settings = {
    ...Object.fromEntries(deciding),
    version: VERSION,
    epochs: schedule.kind === "constant" ? undefined : options.epochs,
    keep: options.keep === "best" ? undefined : options.keep,
    augmentation: typeof augmentation === "string" ? augmentation : augmentation.name,
    initialWeights: initialWeights && contents.get(initialWeights),
    fold: fold.index,
    patches: digest([...fold.train, ...fold.validation], contents, "sorted"),
    trainPatches: digest(fold.train, contents),
    validationPatches: digest(fold.validation, contents),
  };
  return fingerprint("training", VERSION, settings, {}).settings;
}

/** What the models of one ensemble must not differ in, though their folds do. */
export function unlikeSettings(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  const ofFold = ["fold", "trainPatches", "validationPatches"];
  return differingKeys(a, b).filter((key) => !ofFold.includes(key));
}

/** Names of the settings in which two runs differ; where all patches do, those of the fold are not named. */
export function differences(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  const changed = differingKeys(a, b);
  return changed.includes("patches")
    ? changed.filter((key) => key !== "trainPatches" && key !== "validationPatches")
    : changed;
}

/** Number and content of patches, in their order or in one that does not depend on the fold. */
function digest(patches: readonly Patch[], contents: ContentDigests, sorted?: "sorted"): string {
  const rows = patches.map(({ image, crypt, imagePath, maskPath }) =>
    [image, crypt, contents.get(imagePath), contents.get(maskPath)].join(" ")
  );
  return `${rows.length} patches, ${digestOf(sorted ? rows.sort() : rows).slice(0, 16)}`;
}
