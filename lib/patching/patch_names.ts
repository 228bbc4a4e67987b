/** The file names of patches, `<image><index>.tiff`, and back. */
import { basename, extname } from "node:path";

/**
 * The name of a patch's file. An id that ends in a digit is set apart by `_`, since patch 13 of `train_2`
 * and patch 3 of `train_21` would share a name; so is one that ends in a digit and underscores, since
 * patch 13 of `slide2_` and of `slide2` would. Every name belongs to one image and one index.
 *
 * @example
 * ```ts
 * patchName("bottomleft", 17); // "bottomleft17.tiff"
 * patchName("train_2", 13); // "train_2_13.tiff"
 * patchName("slide2_", 13); // "slide2__13.tiff"
 * ```
 */
export function patchName(image: string, index: number): string {
  return `${image}${/\d_*$/.test(image) ? "_" : ""}${index}.tiff`;
}

/**
 * The image that a patch file was cut from, read off its name: the inverse of {@link patchName}. For
 * tables without a column `image`.
 *
 * @throws {RangeError} naming the file when its name does not end in a number
 */
export function parentImage(patchPath: string): string {
  const stem = basename(patchPath, extname(patchPath));
  const image = /^(.*?)\d+$/.exec(stem)?.[1];
  if (!image) {
    throw new RangeError(`${patchPath}: a patch is named <image><index>, "${stem}" is not`);
  }
  return /\d_+$/.test(image) ? image.slice(0, -1) : image;
}
