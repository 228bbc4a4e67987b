/** Which of QuPath's classes are crypts. */
import { notice } from "../base/mod.ts";
import type { AnnotatedObject } from "./features.ts";

/** The class that is taken where a file has several. */
const DEFAULT_CLASS = "Crypt";

/**
 * The objects that are crypts. Classes whose names end in `*` (QuPath's `Ignore*`, `Region*`) never
 * are. With `wanted`: objects of that class (in any case; `Crypt: large` is a `Crypt`). Without: all
 * where they have one class or none, else those of the class `Crypt`.
 *
 * @param name what errors call the source, e.g. the file
 * @throws {RangeError} naming the source and its classes when they are several and none is `Crypt`
 */
export function cryptObjects(
  objects: readonly AnnotatedObject[],
  name: string,
  wanted: string | null,
): AnnotatedObject[] {
  const areas = objects.filter(({ classification }) => !classification?.trim().endsWith("*"));
  const classes = [...new Set(areas.map(({ classification }) => classification))];
  if (wanted === null && classes.length <= 1) return areas;
  const chosen = areas.filter((o) => isOfClass(o.classification, wanted ?? DEFAULT_CLASS));
  const list = classes.map((c) => c === null ? "no class" : `"${c}"`).join(", ");
  if (chosen.length > 0) return chosen;
  if (wanted === null) {
    throw new RangeError(
      `${name} has the classes ${list}, none of them "${DEFAULT_CLASS}": name the one that is ` +
        "crypt with CRYPTS_ANNOTATION_CLASS or the option annotationClass",
    );
  }
  if (areas.length > 0) notice(`${name} has nothing of the class "${wanted}", but ${list}`);
  return [];
}

function isOfClass(classification: string | null, wanted: string): boolean {
  const [own, name] = [classification ?? "", wanted].map((c) => c.trim().toLowerCase());
  return own === name || own.startsWith(`${name}:`);
}
