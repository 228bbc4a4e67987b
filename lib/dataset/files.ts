/** The files of a data set's split: images, and the masks and annotations that belong to them. */
import { join } from "node:path";
import { checkId, exists, notice } from "../base/mod.ts";

const IMAGE_FILE = /^(?<id>[^.].*?)(\.ome)?\.(tiff?|svs|png|jpe?g)$/i;
const ANNOTATION_FILE = /^(?<id>[^.].*?)\.(geo)?json(\.gz)?$/i;
/** Images of formats that are not read; other files beside images are none of our business. */
const OTHER_IMAGE =
  /\.(bmp|gif|webp|jp2|j2k|jpf|jpx|jxl|heic|avif|ndpi|mrxs|scn|vsi|czi|bif|lif|zarr|dcm)$/i;

/** Names in lists of notices, the rest is counted. */
const MOST_NAMED = 5;

/** The id of a file name that may have an image's extension, in Unicode's composed form. */
export function stem(name: string): string {
  return (IMAGE_FILE.exec(name)?.groups?.id ?? name).normalize("NFC");
}

/** Id to file name of the images in a folder, sorted by name. */
export type ImageFiles = Map<string, string>;

/**
 * Lists the images of a folder.
 *
 * @param folder where they lie; a missing one has none
 * @throws {RangeError} naming the folder and the files when two have the same id, or an id is no name
 */
export async function listImages(folder: string): Promise<ImageFiles> {
  const files: ImageFiles = new Map(), others: string[] = [];
  for (const name of await namesIn(folder)) {
    if (!IMAGE_FILE.test(name)) {
      if (OTHER_IMAGE.test(name)) others.push(name);
      continue;
    }
    const id = checkId(stem(name), folder);
    const before = files.get(id);
    if (before !== undefined) {
      throw new RangeError(`${folder} has two images "${id}": ${before} and ${name}`);
    }
    files.set(id, name);
  }
  if (others.length > 0) {
    notice(`${folder}: ${listed(others)} left out, expected images as TIFF, SVS, PNG or JPEG`);
  }
  return files;
}

/** Id to path of the masks of a split, in whatever format an image may have. */
export async function listMasks(
  folder: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const masks = (name: string) => !IMAGE_FILE.test(name) ? [] : [stem(name), stem(stem(name))];
  return await listCompanions(folder, ids, "mask", masks, () => true);
}

/** Id to path of the annotations beside a split's images, also as `<image file>.geojson`. */
export async function listAnnotations(
  folder: string,
  ids: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const annotations = (name: string) => {
    const id = ANNOTATION_FILE.exec(name)?.groups?.id.normalize("NFC");
    return id === undefined ? [] : [id, stem(id)];
  };
  const isOne = (name: string) => ANNOTATION_FILE.test(name);
  return await listCompanions(folder, ids, "annotation", annotations, isOne);
}

/** Files that belong to images; those that should but do not are named in a notice. */
async function listCompanions(
  folder: string,
  ids: ReadonlySet<string>,
  what: string,
  candidates: (name: string) => string[],
  isOne: (name: string) => boolean,
): Promise<Map<string, string>> {
  const found = new Map<string, string>(), strays: string[] = [];
  for (const name of await namesIn(folder)) {
    const id = candidates(name).find((candidate) => ids.has(candidate));
    if (id === undefined) {
      if (isOne(name)) strays.push(name);
      continue;
    }
    const path = join(folder, name), before = found.get(id);
    if (before !== undefined) {
      throw new RangeError(`image "${id}" has two ${what} files: ${before} and ${path}`);
    }
    found.set(id, path);
  }
  if (strays.length > 0) {
    notice(`${folder}: ${listed(strays)} left out, since no image has that name`);
  }
  return found;
}

function listed(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED, shown = names.slice(0, MOST_NAMED).join(", ");
  return rest > 0 ? `${shown} and ${rest} more are` : `${shown} ${names.length > 1 ? "are" : "is"}`;
}

/** Names of what is no folder and not hidden, sorted. */
async function namesIn(folder: string): Promise<string[]> {
  if (!await exists(folder)) return [];
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (!isDirectory && !name.startsWith(".")) names.push(name);
  }
  return names.sort();
}
