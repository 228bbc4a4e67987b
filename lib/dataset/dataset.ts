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
import { isEmptyRle } from "../annotation/mod.ts";
import { nonSquare, type PixelSizes, probeImage, readMask } from "../image/mod.ts";
import { readEncodings } from "./encodings.ts";
import { listAnnotations, listImages, listMasks } from "./files.ts";
import { type Information, INFORMATION_CSV, readInformation } from "./information.ts";
import type { Dataset, ImageRecord } from "./record.ts";

export { ensureLabels, ensureMask } from "./masks.ts";
export type { Dataset, ImageRecord } from "./record.ts";

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
 * @throws {RangeError} naming an image whose pixels are no squares, a missing column, an image in a
 *   table without a file, an id that occurs twice or is no name, two masks or annotations of one
 *   image, a size that differs from the information table's, or a data set without images
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
    const header = file
      ? await probeImage(imagePath)
      : { ...said!, pixelSize: null, pixelSizes: null };
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
      pixelSize: pixelSizeOf(imagePath, said?.pixelSize ?? null, header.pixelSizes),
      polygonsPath,
      annotationClass,
      width,
      height,
    };
  }));
}

/** The table's pixel size before the file's, which a notice names when it is another. */
function pixelSizeOf(path: string, said: number | null, sizes: PixelSizes | null): number | null {
  const stated = sizes?.x ?? null, oblong = nonSquare(sizes);
  if (oblong && said === null) {
    throw new RangeError(
      `image ${path} has pixels of ${oblong}, expected square ones: resample it, or say ` +
        `pixel_size_um in ${INFORMATION_CSV} to take them as square`,
    );
  }
  if (said !== null && stated !== null && (oblong || Math.abs(stated / said - 1) > 0.05)) {
    notice(
      `image ${path} says ${oblong ?? Number(stated.toPrecision(4))} ${oblong ? "" : "µm "}per ` +
        `pixel, ${INFORMATION_CSV} ${said}: the table's value is taken`,
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
