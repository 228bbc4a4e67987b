/** What a result of one image depends on, by content. */
import { digestOf, type FileDigests } from "../base/mod.ts";
import type { ImageRecord } from "./record.ts";

/**
 * Digests of everything that {@link ImageRecord} says of pixels and crypts: the image's file, its mask's,
 * its encoding, its polygons and their class, each where it is there.
 *
 * @throws {Error} naming a file that cannot be read
 */
export async function recordInputs(
  record: Pick<ImageRecord, "imagePath" | "maskPath" | "rle" | "polygonsPath" | "annotationClass">,
  digests: FileDigests,
): Promise<Record<string, string>> {
  const found = {
    image: await digests.of(record.imagePath),
    mask: await digests.ofExisting(record.maskPath),
    encoding: record.rle === null ? null : digestOf(record.rle),
    polygons: await digests.ofExisting(record.polygonsPath),
    annotationClass: record.annotationClass ?? null,
  };
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
