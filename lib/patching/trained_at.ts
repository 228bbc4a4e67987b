/** The pixel size of a training's patches: one for all images, or not known. */
import { notice } from "../base/mod.ts";
import { type ImageRecord, INFORMATION_CSV } from "../dataset/mod.ts";

/** Images that are named in an error. */
const NAMED = 5;

/**
 * The µm per pixel that the patches of the annotated images have after they were cut with these
 * settings: the wanted ones where the pixel size of every image is known; null where none is wanted, or
 * none is known, since then all images are resized by the same `scale` to nobody knows what.
 *
 * @throws {RangeError} naming the images without a pixel size where others have one: by `scale` they
 *   would come at another size than these
 * @example
 * ```ts
 * import { openDataset } from "crypts/dataset";
 * import { trainedPixelSize } from "crypts/patching";
 * const { train } = await openDataset("../my_data");
 * const micrometres = trainedPixelSize(train, { pixelSize: 1.24 }); // 1.24 or null
 * ```
 */
export function trainedPixelSize(
  records: readonly Pick<ImageRecord, "id" | "annotated" | "pixelSize">[],
  { pixelSize }: { pixelSize?: number },
): number | null {
  if (pixelSize === undefined) return null;
  const annotated = records.filter((record) => record.annotated);
  const unknown = annotated.filter((record) => record.pixelSize === null).map(({ id }) => id);
  if (unknown.length === annotated.length) return null;
  if (unknown.length === 0) return pixelSize;
  const more = unknown.length - NAMED;
  const names = unknown.slice(0, NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
  throw new RangeError(
    `images are to be brought to ${pixelSize} µm per pixel, but the pixel size of ${unknown.length} ` +
      `of ${annotated.length} annotated training images is not known (${names}): give it in the column ` +
      `pixel_size_um of ${INFORMATION_CSV}, or set pixelSize=null to resize all images by scale alone`,
  );
}

/** Tells that a wanted pixel size cannot be reached, since no image says its own. */
export function noticeUnknownSize(
  records: readonly Pick<ImageRecord, "id" | "annotated" | "pixelSize">[],
  { pixelSize, scale = 1 }: { pixelSize?: number; scale?: number },
): void {
  if (pixelSize === undefined || trainedPixelSize(records, { pixelSize }) !== null) return;
  notice(
    `no annotated training image says its pixel size: all are resized by scale ${scale} instead of to ` +
      `${pixelSize} µm per pixel, and models will not say at which they were trained; give it in the ` +
      `column pixel_size_um of ${INFORMATION_CSV}`,
  );
}
