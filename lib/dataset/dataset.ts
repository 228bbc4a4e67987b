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
import { readTextRows } from "../tables/mod.ts";
import { exists } from "../base/mod.ts";
import {
  decodeRle,
  EMPTY_RLE,
  isEmptyRle,
  polygonsToLabels,
  polygonsToMask,
  readPolygons,
} from "../annotation/mod.ts";
import {
  labelComponents,
  type LabelMask,
  type Mask,
  probeImage,
  readLabels,
  readMask,
} from "../image/mod.ts";

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
}

/** The table of donors and sizes; it may be absent. */
export const INFORMATION_CSV = "colon-dataset_information.csv";

const IMAGE_FILE = /^(?<id>[^.].*?)(\.ome)?\.(tiff?|svs|png|jpe?g)$/i;

/**
 * Opens the data set in the folder `root`. Headers of images are read, pixels are not.
 *
 * @throws {Deno.errors.NotFound} naming the folder that is missing
 * @throws {RangeError} naming a missing column, an image in a table without a file, an id that occurs
 *   twice, a size that differs from the information table's, or a data set without images
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
  return { data: polygonsToMask(await readPolygons(source.path), height, width), height, width };
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
  return { data: polygonsToLabels(await readPolygons(source.path), height, width), height, width };
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
    return { data: decodeRle(rle, height, width), height, width };
  } catch (error) {
    throw new RangeError(`${split}.csv, id ${id}: ${(error as Error).message}`, { cause: error });
  }
}

interface Information {
  width: number;
  height: number;
  donor: string | null;
  grade: string | null;
  pixelSize: number | null;
}

async function readInformation(root: string): Promise<Map<string, Information>> {
  const path = join(root, INFORMATION_CSV), rows = new Map<string, Information>();
  if (!await exists(path)) return rows;
  const columns = ["image_file", "width_pixels", "height_pixels"];
  for (const row of readTextRows(path, columns)) {
    const id = stem(row.image_file ?? "");
    const side = (column: string) => {
      const value = Number(row[column]);
      if (Number.isInteger(value) && value > 0) return value;
      throw new RangeError(`${path}, image ${id}: ${column} must be pixels, got "${row[column]}"`);
    };
    rows.set(id, {
      width: side("width_pixels"),
      height: side("height_pixels"),
      donor: row.patient_number ?? null,
      grade: row.grade || null,
      pixelSize: Number(row.pixel_size_um) || null,
    });
  }
  return rows;
}

async function openSplit(
  root: string,
  split: "train" | "test",
  information: Map<string, Information>,
  options: OpenDatasetOptions,
): Promise<ImageRecord[]> {
  const folder = join(root, split), table = join(root, `${split}.csv`);
  const optional = options.images === "optional";
  const hasTable = await exists(table);
  // A split that is not there at all is empty; a table whose images are not there is a mistake.
  if (!hasTable && !await exists(folder)) return [];
  const files = await listImages(folder, optional);
  const encodings = hasTable ? readEncodings(table) : new Map<string, string>();
  const ids = [...encodings.keys(), ...[...files.keys()].filter((id) => !encodings.has(id))];
  return await Promise.all(ids.map(async (id) => {
    const file = files.get(id), known = information.get(id);
    if (!file && !(optional && known)) {
      const size = optional ? `, nor ${INFORMATION_CSV} its size` : "";
      throw new RangeError(`${table} names image "${id}", but ${folder} has no such image${size}`);
    }
    const imagePath = join(folder, file ?? `${id}.tiff`);
    const header = file ? await probeImage(imagePath) : { ...known!, pixelSize: null };
    const { height, width } = header;
    if (known && (known.height !== height || known.width !== width)) {
      throw new RangeError(
        `image ${imagePath} is ${height} x ${width} (height x width), ` +
          `${INFORMATION_CSV} says ${known.height} x ${known.width}`,
      );
    }
    const maskPath = join(root, `${split}_mask`, `${id}.tiff`);
    const polygons = join(folder, `${id}.json`);
    const polygonsPath = await exists(polygons) ? polygons : null;
    const rle = encodings.get(id) ?? null;
    const annotated = rle === null
      ? polygonsPath !== null || await exists(maskPath)
      : !isEmptyRle(rle) || polygonsPath !== null || await holdsCrypt(maskPath);
    return {
      id,
      split,
      imagePath,
      maskPath,
      rle,
      annotated,
      donor: known?.donor ?? null,
      grade: known?.grade ?? null,
      pixelSize: known?.pixelSize ?? header.pixelSize,
      polygonsPath,
      width,
      height,
    };
  }));
}

/**
 * Whether there is a mask that is not empty: beside the row `0 0` only that is an annotation, since
 * programs write an empty mask of an image that nobody has annotated.
 */
async function holdsCrypt(path: string): Promise<boolean> {
  return await exists(path) && (await readMask(path)).data.includes(1);
}

/** Id to encoding, in the table's order. */
function readEncodings(path: string): Map<string, string> {
  const encodings = new Map<string, string>();
  readTextRows(path, ["id", "predicted"]).forEach((row, i) => {
    if (!row.id) throw new RangeError(`${path}: row ${i + 1} has no id`);
    const id = stem(row.id);
    if (encodings.has(id)) throw new RangeError(`${path}: row ${i + 1} repeats the id "${id}"`);
    encodings.set(id, row.predicted ?? EMPTY_RLE);
  });
  return encodings;
}

/** Id to file name, sorted by id. */
async function listImages(folder: string, optional: boolean): Promise<Map<string, string>> {
  if (!await exists(folder)) {
    if (optional) return new Map();
    throw new Deno.errors.NotFound(`no image folder at ${folder}`);
  }
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (!entry.isDirectory) names.push(entry.name);
  const files = new Map<string, string>();
  for (const name of names.sort()) {
    const id = IMAGE_FILE.exec(name)?.groups?.id;
    if (id === undefined) continue;
    if (files.has(id)) {
      throw new RangeError(`${folder} has two images "${id}": ${files.get(id)} and ${name}`);
    }
    files.set(id, name);
  }
  return files;
}

/** The id of a file name that may have an image's extension. */
function stem(name: string): string {
  return IMAGE_FILE.exec(name)?.groups?.id ?? name;
}
