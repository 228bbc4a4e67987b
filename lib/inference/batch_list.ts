/** Which images a batch has: those of a folder, or of a table. */
import { join } from "node:path";
import { checkId, exists } from "../base/mod.ts";
import { type BatchImage, idOf, listManifest } from "./manifest.ts";

export type { BatchImage } from "./manifest.ts";

const IMAGE = /\.(tiff?|svs|png|jpe?g)$/i;

/**
 * Lists the images of a folder (by name), or those of a CSV file with the column `image` (paths
 * relative to the file) and, where they are there, `id`, `pixel_size_um` and `mask` (see
 * `listManifest`).
 *
 * @param masks a folder with ground truth, `<id>.tiff`, `<id>.tif` or `<id>.png`
 * @throws {Deno.errors.NotFound} when a folder or file is not there
 * @throws {RangeError} when there is no image, a row without one, an id that cannot name files, two
 *   ids that would name the same files, or a folder of masks that fits no image
 */
export async function listBatch(images: string, masks?: string): Promise<BatchImage[]> {
  if (!await exists(images)) throw new Deno.errors.NotFound(`no images at ${images}`);
  if (masks !== undefined && !(await exists(masks) && (await Deno.stat(masks)).isDirectory)) {
    throw new Deno.errors.NotFound(`no folder of masks at ${masks}`);
  }
  const folder = (await Deno.stat(images)).isDirectory;
  const listed = folder ? await listFolder(images) : listManifest(images);
  if (listed.length === 0) throw new RangeError(`${images} has no image`);
  checkIds(images, listed);
  if (masks !== undefined) await addTruth(listed, masks);
  return listed;
}

async function addTruth(images: BatchImage[], masks: string): Promise<void> {
  for (const image of images) {
    for (const extension of ["tiff", "tif", "png"]) {
      const path = join(masks, `${image.id}.${extension}`);
      if (image.truth === null && await exists(path)) image.truth = path;
    }
  }
  if (images.every(({ truth }) => truth === null)) {
    throw new RangeError(
      `${masks} has a mask for none of the images: expected ${images[0].id}.tiff, .tif or .png`,
    );
  }
}

/** Results of two ids must not meet, on file systems that know no case or compose letters, too. */
function checkIds(where: string, images: readonly BatchImage[]): void {
  const seen = new Map<string, BatchImage>();
  for (const image of images) {
    checkId(image.id, where);
    const key = image.id.normalize("NFC").toLowerCase(), before = seen.get(key);
    if (before) {
      const same = before.id === image.id ? `the id "${image.id}"` : "ids that name the same files";
      throw new RangeError(
        `${where}: two images have ${same}: ${before.path} ("${before.id}") and ${image.path} ` +
          `("${image.id}"); give them ids in a table (column id)`,
      );
    }
    seen.set(key, image);
  }
}

async function listFolder(folder: string): Promise<BatchImage[]> {
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory && IMAGE.test(name) && !name.startsWith(".")) names.push(name);
  }
  return names.sort().map((name) => ({
    id: idOf(name),
    path: join(folder, name),
    pixelSize: null,
    truth: null,
  }));
}
