/** The patches that a model is trained on, as `train_data.csv` lists them. */
import { basename, dirname, extname, resolve } from "node:path";
import type { Sample } from "../augment/mod.ts";
import { readCsv } from "../tables/mod.ts";
import { readMask, readRgb } from "../image/mod.ts";

/** One training patch. */
export interface Patch {
  imagePath: string;
  /** Mask file; any non-zero value is crypt (one value per crypt where patches were cut so). */
  maskPath: string;
  /** Whether the patch holds crypt. */
  crypt: boolean;
  /** The id of the image it was cut from: folds keep patches of one image together. */
  image: string;
}

/**
 * Reads `train_data.csv` (`Train_image_path,Train_mask_path,class`); relative paths start at its folder.
 * The parent image comes from a column `image` where there is one, else from the file name
 * ({@link parentImage}).
 *
 * @throws {Error} naming the file when it cannot be read, lacks a column, or has no row
 * @throws {RangeError} naming file and row where a class is neither 0 nor 1
 */
// deno-lint-ignore require-await -- errors reach the caller as rejections
export async function readTrainData(csvPath: string): Promise<Patch[]> {
  const frame = readCsv(csvPath, ["Train_image_path", "Train_mask_path", "class"]);
  const rows = frame.toRecords() as Record<string, string | number | boolean>[];
  if (rows.length === 0) throw new Error(`${csvPath} lists no patches`);
  const folder = dirname(csvPath);
  return rows.map((row, i) => {
    const kind = String(row.class);
    if (!["0", "1", "true", "false"].includes(kind)) {
      throw new RangeError(`${csvPath}, row ${i + 2}: class must be 0 or 1, got "${kind}"`);
    }
    const imagePath = resolve(folder, String(row.Train_image_path));
    return {
      imagePath,
      maskPath: resolve(folder, String(row.Train_mask_path)),
      crypt: kind === "1" || kind === "true",
      image: "image" in row ? String(row.image) : parentImage(imagePath),
    };
  });
}

/**
 * The image that a patch file was cut from: `bottomleft17.tiff` is patch 17 of `bottomleft`, and, since
 * ids that end in a digit are set apart by `_`, `train_2_13.tiff` is patch 13 of `train_2`.
 *
 * @throws {RangeError} naming the file when its name does not end in a number
 */
export function parentImage(patchPath: string): string {
  const stem = basename(patchPath, extname(patchPath));
  const found = /^(.*\d)_\d+$/.exec(stem) ?? /^(.*?)\d+$/.exec(stem);
  if (!found || found[1] === "") {
    throw new RangeError(`${patchPath}: a patch is named <image><index>, "${stem}" is not`);
  }
  return found[1];
}

/**
 * A patch's image and mask.
 *
 * @throws {Error} naming the file that cannot be read
 */
export async function readPatch(patch: Patch): Promise<Sample> {
  return { image: await readRgb(patch.imagePath), mask: await readMask(patch.maskPath) };
}
