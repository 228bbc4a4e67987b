/** Which images a batch has: those of a folder, or of a table. */
import { basename, dirname, join } from "node:path";
import { checkId, exists, notice } from "../base/mod.ts";
import { type BatchImage, idOf, listManifest } from "./manifest.ts";

export type { BatchImage } from "./manifest.ts";

/** Images that sharp's own libvips does not read, or that no microscope writes. */
const OTHER_FORMAT =
  /\.(bmp|gif|webp|hei[cf]|avif|jp2|jxl|ndpi|mrxs|scn|czi|bif|vsi|lif|nd2|dcm)$/i;

const IMAGE = /\.(tiff?|svs|png|jpe?g)$/i;

/**
 * Lists the images of a folder (by name), an image as a folder of one, or those of a CSV file with the
 * column `image` (paths relative to the file) and, where they are there, `id`, `pixel_size_um` and
 * `mask` (see `listManifest`).
 *
 * @param masks a folder with ground truth, `<id>.tiff`, `<id>.tif` or `<id>.png`
 * @throws {Deno.errors.NotFound} when a folder or file is not there
 * @throws {RangeError} when there is no image, a row without one, an id of a table that cannot name
 *   files (such an image of a folder is listed as {@link BatchImage.refused}), two ids that would name
 *   the same files, or a folder of masks that fits no image
 */
export async function listBatch(images: string, masks?: string): Promise<BatchImage[]> {
  if (!await exists(images)) {
    throw new Deno.errors.NotFound(`no images at ${images}: it does not exist`);
  }
  if (masks !== undefined && !(await exists(masks) && (await Deno.stat(masks)).isDirectory)) {
    throw new Deno.errors.NotFound(`no folder of masks at ${masks}`);
  }
  const folder = (await Deno.stat(images)).isDirectory, single = !folder && IMAGE.test(images);
  if (!folder && OTHER_FORMAT.test(images)) {
    throw new RangeError(
      `image ${images} is of a format that is not read: convert it to TIFF or PNG`,
    );
  }
  const listed = folder
    ? await listFolder(images)
    : single
    ? listFiles(dirname(images), [basename(images)])
    : listManifest(images);
  if (listed.length === 0) {
    throw new RangeError(`${images} has no image: expected .tiff, .tif, .svs, .png, .jpg or .jpeg`);
  }
  checkIds(
    images,
    listed,
    folder || single ? "rename one, or give them ids in a table" : "give each row an id of its own",
  );
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
function checkIds(where: string, images: readonly BatchImage[], remedy: string): void {
  const seen = new Map<string, BatchImage>();
  for (const image of images) {
    checkId(image.id, where);
    const key = image.id.normalize("NFC").toLowerCase(), before = seen.get(key);
    if (before) {
      const same = before.id === image.id ? `the id "${image.id}"` : "ids that name the same files";
      throw new RangeError(
        `${where}: two images have ${same}: ${before.path} ("${before.id}") and ${image.path} ` +
          `("${image.id}"); ${remedy} (column id)`,
      );
    }
    seen.set(key, image);
  }
}

async function listFolder(folder: string): Promise<BatchImage[]> {
  const names: string[] = [], others: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory || name.startsWith(".")) continue;
    if (IMAGE.test(name)) names.push(name);
    else if (OTHER_FORMAT.test(name)) others.push(name);
  }
  if (others.length > 0) {
    const some = others.sort().slice(0, 3).join(", ") + (others.length > 3 ? ", …" : "");
    notice(
      `${folder}: images of formats that are not read are left out, ${others.length} (${some}): ` +
        "convert them to TIFF or PNG",
    );
  }
  return listFiles(folder, names.sort());
}

/** Files as images; one whose name cannot name results fails for itself, under a name that can. */
function listFiles(folder: string, names: readonly string[]): BatchImage[] {
  const taken = new Set(names.map((name) => idOf(name)));
  return names.map((name) => {
    const image = { id: idOf(name), path: join(folder, name), pixelSize: null, truth: null };
    try {
      checkId(image.id, folder);
      return image;
    } catch (error) {
      // deno-lint-ignore no-control-regex
      let id = image.id.replace(/[\u0000-\u001f\u007f\\:*?"<>|]/g, "_").slice(0, 60).trim();
      id = `image_${id}`;
      while (taken.has(id)) id += "_";
      taken.add(id);
      const why = (error as Error).message.replace(/; expected [^]*$/, "");
      return { ...image, id, refused: `${why}: rename it` };
    }
  });
}
