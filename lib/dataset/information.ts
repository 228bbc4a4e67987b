/** The table of donors, sizes and pixel sizes; it may be absent. */
import { join } from "node:path";
import { exists, notice } from "../base/mod.ts";
import { implausible, parsePixelSize } from "../image/mod.ts";
import { checkColumnNames, type KnownColumns, readTable, readTextRows } from "../tables/mod.ts";
import { stem } from "./files.ts";

/** Its name. */
export const INFORMATION_CSV = "colon-dataset_information.csv";

/** Its columns; those of the original's table that say nothing of segmentation are passed over. */
const COLUMNS: KnownColumns = {
  read: [
    "image_file",
    "width_pixels",
    "height_pixels",
    "patient_number",
    "grade",
    "pixel_size_um",
  ],
  passed: ["crypt_segmentation_file", "race", "sex", "age", "bmi_kg/m^2", "split"],
  aliases: {
    ...{ mpp: "pixel_size_um", mppx: "pixel_size_um", umperpixel: "pixel_size_um" },
    ...{ micronsperpixel: "pixel_size_um", umpx: "pixel_size_um", pixelsize: "pixel_size_um" },
    ...{ patient: "patient_number", patientid: "patient_number", patients: "patient_number" },
    ...{ donor: "patient_number", donorid: "patient_number", donornumber: "patient_number" },
    ...{ subject: "patient_number", subjectid: "patient_number" },
  },
};

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
 * @throws {RangeError} naming the table and a misspelt column, or the image and the value that is no
 *   size or pixel size
 */
export async function readInformation(root: string): Promise<Map<string, Information>> {
  const path = join(root, INFORMATION_CSV), rows = new Map<string, Information>();
  if (!await exists(path)) return rows;
  checkColumnNames(path, readTable(path).names, COLUMNS);
  for (const row of readTextRows(path, ["image_file", "width_pixels", "height_pixels"])) {
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
