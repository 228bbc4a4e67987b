/** The crypts of a data set's image, from wherever they are told. */
import { exists, notice } from "../base/mod.ts";
import {
  decodeRle,
  isEmptyRle,
  polygonsToLabels,
  polygonsToMask,
  readPolygons,
} from "../annotation/mod.ts";
import {
  labelComponents,
  type LabelMask,
  type Mask,
  noticeShare,
  readLabels,
  readMask,
} from "../image/mod.ts";
import type { ImageRecord } from "./record.ts";

/**
 * The mask of an image: from its file where that is there, else from its encoding, else from its
 * polygons. Nothing is written.
 *
 * @throws {RangeError} when the mask's size is not the image's, or the encoding is malformed
 * @throws {Deno.errors.NotFound} when the image has neither
 */
export async function ensureMask(record: ImageRecord): Promise<Mask> {
  const { height, width } = record, source = await annotationOf(record);
  if (source.kind === "mask") return await readMask(source.path, { height, width });
  if (source.kind === "encoding") return decode(record, source.rle);
  const data = polygonsToMask(await polygonsOf(record, source.path), height, width);
  noticeShare(`annotation ${source.path}`, data);
  return { data, height, width };
}

/**
 * The crypts of an image, one value each: the label image as it is; of polygons one value each, in
 * their order; of a mask of one value and of an encoding the 8-connected components. The source is
 * the one that {@link ensureMask} takes, and what is not 0 here is crypt there.
 *
 * @throws as {@link ensureMask} does
 * @example
 * const { train } = await openDataset("../my_data");
 * const { data, height, width } = await ensureLabels(train[0]);
 */
export async function ensureLabels(record: ImageRecord): Promise<LabelMask> {
  const { height, width } = record, source = await annotationOf(record);
  if (source.kind === "mask") return await readLabels(source.path, { height, width });
  if (source.kind === "encoding") return labelComponents(decode(record, source.rle));
  const data = polygonsToLabels(await polygonsOf(record, source.path), height, width);
  return { data, height, width };
}

async function polygonsOf({ annotationClass, height, width }: ImageRecord, path: string) {
  const polygons = await readPolygons(path, { annotationClass });
  const outside =
    polygons.filter(({ rings: [outer] }) =>
      outer.every(([x]) => x < 0) || outer.every(([x]) => x > width) ||
      outer.every(([, y]) => y < 0) || outer.every(([, y]) => y > height)
    ).length;
  if (outside > 0) {
    notice(
      `${path}: ${outside} of ${polygons.length} polygons lie outside of their image of ` +
        `${height} x ${width}: are they of this image, and in its pixels?`,
    );
  }
  return polygons;
}

/** Where an image's crypts are told; {@link ensureMask} has the order. */
type AnnotationSource =
  | { kind: "mask" | "polygons"; path: string }
  | { kind: "encoding"; rle: string };

async function annotationOf(record: ImageRecord): Promise<AnnotationSource> {
  const { id, split, maskPath, polygonsPath, rle } = record;
  if (await exists(maskPath)) return { kind: "mask", path: maskPath };
  const encoded = rle !== null && !isEmptyRle(rle);
  if (!encoded && polygonsPath) return { kind: "polygons", path: polygonsPath };
  if (rle !== null) return { kind: "encoding", rle };
  throw new Deno.errors.NotFound(
    `no mask of ${split} image ${id}: neither ${maskPath}, nor an encoding in ${split}.csv, ` +
      "nor polygons beside the image",
  );
}

function decode({ id, split, height, width }: ImageRecord, rle: string): Mask {
  try {
    const data = decodeRle(rle, height, width);
    if (!isEmptyRle(rle)) noticeShare(`${split}.csv, id ${id}: the encoding`, data);
    return { data, height, width };
  } catch (error) {
    throw new RangeError(`${split}.csv, id ${id}: ${(error as Error).message}`, { cause: error });
  }
}
