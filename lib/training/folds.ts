/** Folds by image: no patch of a validation image is ever trained on. */
import { kFold, stratifiedGroupKFold } from "../base/mod.ts";
import type { Patch } from "../patching/mod.ts";

/** One fold's patches. */
export interface Fold {
  index: number;
  train: Patch[];
  validation: Patch[];
  /** Ids of the validation images. */
  validationImages: string[];
}

/** Settings of {@link splitFolds}. */
export interface SplitOptions {
  /** Default 0, the original's `random_state`. */
  seed?: number;
  /** Keeps images of one group together, e.g. the donor by image id; default: each image alone. */
  groupOf?: (image: string) => string;
  /**
   * A class of each image, e.g. its grade, of which every fold is to get its share: then
   * scikit-learn's `StratifiedGroupKFold`, which looks at no seed, splits the groups.
   */
  stratumOf?: (image: string) => string;
}

/**
 * Splits patches with scikit-learn's `KFold(foldCount, shuffle=True, random_state=seed)` over their
 * images, in the order in which the images first appear.
 *
 * @throws {RangeError} when there are fewer images (groups) than folds
 */
export function splitFolds(
  patches: readonly Patch[],
  foldCount: number,
  options: SplitOptions = {},
): Fold[] {
  const groupOf = options.groupOf ?? ((image: string) => image);
  const groups = [...new Set(patches.map((p) => groupOf(p.image)))];
  checkFoldCount(groups, foldCount, options.groupOf ? "groups" : "images");
  return heldGroups(patches, groups, groupOf, foldCount, options)
    .map((held, index) => {
      const validation = patches.filter((p) => held.has(groupOf(p.image)));
      return {
        index,
        train: patches.filter((p) => !held.has(groupOf(p.image))),
        validation,
        validationImages: [...new Set(validation.map((p) => p.image))],
      };
    });
}

/**
 * Whether images (or groups of them, donors say) are enough for so many folds.
 *
 * @param groups names, each once
 * @throws {RangeError} naming the number of folds that would do
 */
export function checkFoldCount(
  groups: readonly string[],
  foldCount: number,
  kind = "images",
): void {
  if (!(Number.isInteger(foldCount) && foldCount >= 2)) {
    throw new RangeError(`the number of folds must be an integer of at least 2, got ${foldCount}`);
  }
  if (groups.length >= foldCount) return;
  const few = groups.slice(0, 8).join(", ") || "none";
  const advice = groups.length >= 2
    ? `set foldCount to ${groups.length}`
    : `a second one is needed, since each fold holds out at least one`;
  throw new RangeError(
    `${foldCount} folds need at least ${foldCount} ${kind} with patches, ` +
      `got ${groups.length}: ${few}; ${advice}`,
  );
}

/** The groups that each fold validates. */
function heldGroups(
  patches: readonly Patch[],
  groups: readonly string[],
  groupOf: (image: string) => string,
  foldCount: number,
  { seed = 0, stratumOf }: SplitOptions,
): Set<string>[] {
  if (!stratumOf) {
    return kFold(groups.length, foldCount, { shuffle: true, seed })
      .map((split) => new Set(split.validation.map((i) => groups[i])));
  }
  const images = [...new Set(patches.map((p) => p.image))];
  const foldOf = stratifiedGroupKFold(images.map(groupOf), images.map(stratumOf), foldCount);
  return Array.from(
    { length: foldCount },
    (_, fold) => new Set(groups.filter((group) => foldOf.get(group) === fold)),
  );
}
