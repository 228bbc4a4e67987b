/** The patches that a model is trained on, as `train_data.csv` lists them. */
import { dirname, resolve } from "node:path";
import type { Sample } from "../augment/mod.ts";
import { readTextRows } from "../tables/mod.ts";
import { readMask, readRgb } from "../image/mod.ts";
import { parentImage } from "./patch_names.ts";

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
 * Reads `train_data.csv` (`Train_image_path,Train_mask_path,class,image`); relative paths start at its
 * folder. Tables of the original have three columns: there the image is read off the file name
 * ({@link parentImage}).
 *
 * @throws {Error} naming the file when it cannot be read, lacks a column, or has no row
 * @throws {RangeError} naming file and row where a class is neither 0 nor 1
 */
// deno-lint-ignore require-await -- errors reach the caller as rejections
export async function readTrainData(csvPath: string): Promise<Patch[]> {
  const rows = readTextRows(csvPath, ["Train_image_path", "Train_mask_path", "class"]);
  if (rows.length === 0) throw new Error(`${csvPath} lists no patches`);
  const folder = dirname(csvPath);
  return rows.map((row, i) => {
    const kind = row.class ?? "";
    if (!["0", "1", "true", "false"].includes(kind)) {
      throw new RangeError(`${csvPath}, row ${i + 2}: class must be 0 or 1, got "${kind}"`);
    }
    if (!row.Train_image_path || !row.Train_mask_path) {
      throw new RangeError(`${csvPath}, row ${i + 2}: a patch needs the paths of image and mask`);
    }
    const imagePath = resolve(folder, row.Train_image_path);
    return {
      imagePath,
      maskPath: resolve(folder, row.Train_mask_path),
      crypt: kind === "1" || kind === "true",
      image: row.image ?? parentImage(imagePath),
    };
  });
}

/**
 * A patch's image and mask.
 *
 * @throws {Error} naming the file that cannot be read
 */
export async function readPatch(patch: Patch): Promise<Sample> {
  return {
    image: await readRgb(patch.imagePath),
    mask: await readMask(patch.maskPath, { patch: true }),
  };
}
