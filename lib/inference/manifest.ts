/** A table of images: which columns it may have, and what they say. */
import { basename, dirname, extname, resolve } from "node:path";
import { notice } from "../base/mod.ts";
import { parsePixelSize } from "../image/mod.ts";
import { checkColumns, readTable } from "../tables/mod.ts";

/** An image of a batch. */
export interface BatchImage {
  /** Names its results. */
  id: string;
  path: string;
  /** µm per pixel, where it is known. */
  pixelSize: number | null;
  /** A ground truth to score against (a mask, or labels); null where there is none. */
  truth: string | null;
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
  checkNames(path, names);
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

function checkNames(path: string, names: readonly string[]): void {
  const known = [...READ, ...WRITTEN], others: string[] = [];
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = meantBy(name);
    if (meant === null) {
      others.push(name);
      continue;
    }
    throw new RangeError(
      `table ${path} has the column "${name}", which is not read: is it "${meant}"? ` +
        `Columns that are read are ${READ.join(", ")}`,
    );
  }
  if (others.length === 0) return;
  const list = others.map((name) => `"${name}"`).join(", ");
  notice(`table ${path}: not read: ${list}; columns that are read are ${READ.join(", ")}`);
}

/** The column that a name nearly is, or null. */
function meantBy(name: string): string | null {
  const plain = (text: string) =>
    text.toLowerCase().replaceAll(/[µμ]/g, "u").replaceAll(/[^a-z0-9]/g, "");
  const own = plain(name);
  if (ALIASES[own]) return ALIASES[own];
  return READ.find((column) => {
    const other = plain(column), most = other.length < 3 ? 0 : other.length < 6 ? 1 : 3;
    return editDistance(own, other) <= most;
  }) ?? null;
}

/** Letters to insert, remove, replace, or swap with their neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2][j - 2] + 1);
      }
      rows[i].push(least);
    }
  }
  return rows[a.length][b.length];
}
