/** The table of donors, sizes and pixel sizes; it may be absent. */
import { join } from "node:path";
import { exists, notice } from "../base/mod.ts";
import { implausible, parsePixelSize } from "../image/mod.ts";
import { readTextRows } from "../tables/mod.ts";
import { stem } from "./files.ts";

/** Its name. */
export const INFORMATION_CSV = "colon-dataset_information.csv";

/** What it says of one image. */
export interface Information {
  width: number;
  height: number;
  donor: string | null;
  grade: string | null;
  /** µm per pixel. */
  pixelSize: number | null;
}

/**
 * Reads the table of a data set: id to what is said of it.
 *
 * @throws {RangeError} naming the table, the image and the value that is no size or pixel size
 */
export async function readInformation(root: string): Promise<Map<string, Information>> {
  const path = join(root, INFORMATION_CSV), rows = new Map<string, Information>();
  if (!await exists(path)) return rows;
  const columns = ["image_file", "width_pixels", "height_pixels"];
  for (const row of readTextRows(path, columns)) {
    const id = stem((row.image_file ?? "").trim());
    const refuse = (column: string, expected: string): never => {
      throw new RangeError(
        `${path}, image ${id}: ${column} must be ${expected}, got "${row[column]}"`,
      );
    };
    const side = (column: string) => {
      const value = Number(row[column]);
      return Number.isInteger(value) && value > 0 ? value : refuse(column, "pixels");
    };
    const text = row.pixel_size_um?.trim() ?? "";
    const pixelSize = text === "" ? null : parsePixelSize(text) ??
      refuse("pixel_size_um", "a positive number of µm per pixel, or empty");
    const odd = pixelSize === null ? null : implausible(pixelSize);
    if (odd) notice(`${path}, image ${id} says ${odd}: is that its pixel size?`);
    rows.set(id, {
      width: side("width_pixels"),
      height: side("height_pixels"),
      donor: row.patient_number?.trim() || null,
      grade: row.grade?.trim() || null,
      pixelSize,
    });
  }
  return rows;
}
