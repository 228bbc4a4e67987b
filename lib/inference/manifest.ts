/** A table of images: which columns it may have, and what they say. */
import { basename, dirname, extname, resolve } from "node:path";
import { parsePixelSize } from "../image/mod.ts";
import { checkColumnNames, checkColumns, readTable } from "../tables/mod.ts";

/** An image of a batch. */
export interface BatchImage {
  /** Names its results. */
  id: string;
  path: string;
  /** µm per pixel, where it is known. */
  pixelSize: number | null;
  /** A ground truth to score against (a mask, or labels); null where there is none. */
  truth: string | null;
  /** Why it fails before it is opened: its name cannot name results. */
  refused?: string;
}

/** Columns that are read, and those that `--list` writes beside them. */
const READ = ["image", "id", "pixel_size_um", "mask"], WRITTEN = ["height", "width"];

/** Other programs' names of a column. */
const ALIASES: Record<string, string> = {
  ...{ mpp: "pixel_size_um", mppx: "pixel_size_um", umperpixel: "pixel_size_um" },
  ...{ micronsperpixel: "pixel_size_um", umpx: "pixel_size_um", pixelsize: "pixel_size_um" },
  ...{ truth: "mask", groundtruth: "mask", gt: "mask", maskpath: "mask", maskfile: "mask" },
  ...{ imagepath: "image", imagefile: "image", imageid: "id" },
};

/**
 * Reads a CSV file with the column `image` (paths relative to the file) and, where they are there,
 * `id`, `pixel_size_um` (decimal point or comma) and `mask`. A column whose name is nearly one of these
 * is refused, since its values would be missing; all other columns are named in one notice.
 *
 * @throws {RangeError} naming the file and the column, or the row and its value
 */
export function listManifest(path: string): BatchImage[] {
  const base = dirname(path), { names, rows } = readTable(path);
  checkColumnNames(path, names, { read: READ, passed: WRITTEN, aliases: ALIASES });
  checkColumns(path, names, ["image"]);
  return rows.map(({ cells, line }) => {
    const cell = (name: string) => cells[names.indexOf(name)]?.trim() || null;
    const image = cell("image"), size = cell("pixel_size_um"), mask = cell("mask");
    if (image === null) throw new RangeError(`${path}: line ${line} has no image`);
    const pixelSize = size === null ? null : parsePixelSize(size);
    if (size !== null && pixelSize === null) {
      throw new RangeError(
        `${path}: line ${line}: pixel_size_um must be a number > 0 of µm, or empty, got "${size}"`,
      );
    }
    return {
      id: cells[names.indexOf("id")] || idOf(basename(image)),
      path: resolve(base, image),
      pixelSize,
      truth: mask === null ? null : resolve(base, mask),
    };
  });
}

/** The name of a file without what says its format. */
export function idOf(name: string): string {
  return basename(name, extname(name)).replace(/\.ome$/i, "");
}
