/** Which images stay together when folds are split: those of a patient, where patients are known. */
import type { SplitOptions } from "./folds.ts";

/** Names of ways to group images. */
export const GROUPINGS = ["auto", "patient", "image"] as const;
/**
 * `"patient"`: images of one patient are in one fold, so that validation means other patients;
 * `"image"`: each image for itself, as the original; `"auto"`: by patient wherever every image's patient
 * is known and there are at least as many patients as folds.
 */
export type GroupBy = typeof GROUPINGS[number];

/** What is known of an image: `ImageRecord` has it. */
export interface KnownImage {
  id: string;
  donor: string | null;
  grade: string | null;
}

/** How folds are split, and a sentence that says so. */
export interface Grouping extends Pick<SplitOptions, "groupOf" | "stratumOf"> {
  by: "patient" | "image";
  line: string;
}

/**
 * Decides how the images of a data set are grouped into folds. By patient, every fold also gets its
 * share of the grades (where there are none, of the images).
 *
 * @param images those that are split
 * @throws {RangeError} for an unknown name, or by patient where an image has none or there are too few
 */
export function chooseGrouping(
  groupBy: GroupBy,
  images: readonly KnownImage[],
  foldCount: number,
): Grouping {
  if (!GROUPINGS.includes(groupBy)) {
    throw new RangeError(`groupBy must be one of ${GROUPINGS.join(", ")}, got "${groupBy}"`);
  }
  const unknown = images.filter((image) => !image.donor).map((image) => image.id);
  const patients = new Set(images.map((image) => image.donor));
  const why = unknown.length > 0 && unknown.length === images.length
    ? "no image's patient is known; patients are named in the column patient_number of the " +
      "information table"
    : unknown.length > 0
    ? `the information table names no patient of ${unknown[0]}` +
      (unknown.length > 1 ? ` and ${unknown.length - 1} more` : "")
    : patients.size < foldCount
    ? `there are ${patients.size} patients for ${foldCount} folds`
    : null;
  if (groupBy === "patient" && why) {
    throw new RangeError(
      `folds by patient are not possible: ${why}; ` +
        (unknown.length > 0 ? "complete the table" : `choose at most ${patients.size} folds`) +
        ', or split by "image"',
    );
  }
  if (groupBy === "image" || why) {
    const reason = groupBy === "auto" ? ` (${why})` : "";
    return { by: "image", line: `${foldCount} folds of ${images.length} images${reason}` };
  }
  const known = new Map(images.map((image) => [image.id, image]));
  return {
    by: "patient",
    groupOf: (image) => known.get(image)?.donor ?? image,
    stratumOf: (image) => known.get(image)?.grade ?? "",
    line: `${foldCount} folds of ${patients.size} patients (${images.length} images)`,
  };
}
