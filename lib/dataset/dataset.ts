/**
 * The one typed description of a data set and how it is found:
 *
 * ```
 * train/<id>.tiff   train_mask/<id>.tiff   train.csv (id,predicted)   colon-dataset_information.csv
 * test/<id>.tiff    test_mask/<id>.tiff    test.csv  (id,predicted)   QuPath's <id>.json by the image
 * ```
 *
 * Tables are optional where masks or annotations say what is crypt; there may be no test split.
 */
import { join } from "node:path";
import { collectNotices, exists, notice } from "../base/mod.ts";
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
  probeImage,
  readLabels,
  readMask,
} from "../image/mod.ts";
import { readEncodings } from "./encodings.ts";
import { listAnnotations, listImages, listMasks } from "./files.ts";
import { type Information, INFORMATION_CSV, readInformation } from "./information.ts";

/** One image of a data set and what is known of it. */
export interface ImageRecord {
  /** File name without extension. */
  id: string;
  split: "train" | "test";
  imagePath: string;
  /** Where the data set holds the mask; the file may not be there (see {@link ensureMask}). */
  maskPath: string;
  /** The encoding in the split's CSV; null when the image is not in it. */
  rle: string | null;
  /** Whether crypts are annotated: an encoding that is not `0 0`, or else polygons or a mask. */
  annotated: boolean;
  /** Patient number, where the information table has one. */
  donor: string | null;
  /** E.g. `benign` or `malignant`, where the information table has a column `grade`. */
  grade: string | null;
  /** µm per pixel, where known. */
  pixelSize: number | null;
  /** QuPath's annotations beside the image, where they are there. */
  polygonsPath: string | null;
  /** The class of these annotations that is crypt; null or absent: `Crypt` where there are several. */
  annotationClass?: string | null;
  /** Sides of the image in pixels. */
  width: number;
  height: number;
}

/** A data set; images are in the order of the CSV files, those that are not in them behind. */
export interface Dataset {
  /** The name of its folder. */
  name: string;
  root: string;
  train: ImageRecord[];
  test: ImageRecord[];
}

/** Settings of {@link openDataset}. */
export interface OpenDatasetOptions {
  /**
   * `"required"` (the default): each image named in a CSV has its file. `"optional"`: encodings
   * whose images are not there are taken too when the information table gives their size.
   */
  images?: "required" | "optional";
  /**
   * The class in QuPath's annotations that is crypt; default: the environment's
   * `CRYPTS_ANNOTATION_CLASS`, else the only class there is, else `Crypt`.
   */
  annotationClass?: string | null;
}

/**
 * Opens the data set in the folder `root`. Headers of images are read, pixels are not. Masks and
 * annotations are found in every format and case of their extension; what belongs to no image is
 * named in a notice.
 *
 * @throws {Deno.errors.NotFound} naming the folder that is missing
 * @throws {RangeError} naming a missing column, an image in a table without a file, an id that occurs
 *   twice or is no name, two masks or annotations of one image, a size that differs from the
 *   information table's, or a data set without images
 */
export async function openDataset(
  root: string,
  options: OpenDatasetOptions = {},
): Promise<Dataset> {
  if (!await exists(root)) throw new Deno.errors.NotFound(`no data set folder at ${root}`);
  const information = await readInformation(root);
  const train = await openSplit(root, "train", information, options);
  const test = await openSplit(root, "test", information, options);
  if (train.length + test.length === 0) {
    throw new RangeError(`data set ${root} is empty: no image in train/, test/ or their tables`);
  }
  const name = root.replace(/\/+$/, "").split("/").at(-1)!;
  return { name, root, train, test };
}

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

async function polygonsOf({ annotationClass }: ImageRecord, path: string) {
  return await readPolygons(path, { annotationClass });
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

async function openSplit(
  root: string,
  split: "train" | "test",
  information: Map<string, Information>,
  options: OpenDatasetOptions,
): Promise<ImageRecord[]> {
  const { annotationClass = Deno.env.get("CRYPTS_ANNOTATION_CLASS") || null } = options;
  const optional = options.images === "optional";
  const folder = join(root, split), table = join(root, `${split}.csv`);
  const hasTable = await exists(table), hasFolder = await exists(folder);
  // A split that is not there at all is empty; a table whose images are not there is a mistake.
  if (!hasTable && !hasFolder) return [];
  if (!hasFolder && !optional) throw new Deno.errors.NotFound(`no image folder at ${folder}`);
  const files = await listImages(folder);
  const encodings = hasTable ? readEncodings(table) : new Map<string, string>();
  const ids = [...encodings.keys(), ...[...files.keys()].filter((id) => !encodings.has(id))];
  const known = new Set(ids), maskFolder = join(root, `${split}_mask`);
  const masks = await listMasks(maskFolder, known);
  const annotations = await listAnnotations(folder, known);
  return await Promise.all(ids.map(async (id) => {
    const file = files.get(id), said = information.get(id);
    if (!file && !(optional && said)) {
      const size = optional ? `, nor ${INFORMATION_CSV} its size` : "";
      throw new RangeError(`${table} names image "${id}", but ${folder} has no such image${size}`);
    }
    const imagePath = join(folder, file ?? `${id}.tiff`);
    const header = file ? await probeImage(imagePath) : { ...said!, pixelSize: null };
    const { height, width } = header;
    if (said && (said.height !== height || said.width !== width)) {
      throw new RangeError(
        `image ${imagePath} is ${height} x ${width} (height x width), ` +
          `${INFORMATION_CSV} says ${said.height} x ${said.width}`,
      );
    }
    const maskPath = masks.get(id) ?? join(maskFolder, `${id}.tiff`);
    const polygonsPath = annotations.get(id) ?? null, rle = encodings.get(id) ?? null;
    const annotated = polygonsPath !== null ||
      (rle === null
        ? masks.has(id)
        : !isEmptyRle(rle) || masks.has(id) && await holdsCrypt(maskPath));
    return {
      id,
      split,
      imagePath,
      maskPath,
      rle,
      annotated,
      donor: said?.donor ?? null,
      grade: said?.grade ?? null,
      pixelSize: pixelSizeOf(imagePath, said?.pixelSize ?? null, header.pixelSize),
      polygonsPath,
      annotationClass,
      width,
      height,
    };
  }));
}

/** The table's pixel size before the file's, which a notice names when it is another. */
function pixelSizeOf(path: string, said: number | null, stated: number | null): number | null {
  if (said !== null && stated !== null && Math.abs(stated / said - 1) > 0.05) {
    notice(
      `image ${path} says ${Number(stated.toPrecision(4))} µm per pixel, ${INFORMATION_CSV} ` +
        `${said}: the table's value is taken`,
    );
  }
  return said ?? stated;
}

/**
 * Whether there is a mask that is not empty: beside the row `0 0` only that is an annotation, since
 * programs write an empty mask of an image that nobody has annotated.
 */
async function holdsCrypt(path: string): Promise<boolean> {
  const { result } = await collectNotices(() => readMask(path));
  return result.data.includes(1);
}
