/** What a batch may write: never over what it reads, never over what no run of it has made. */
import { basename, dirname, join, resolve } from "node:path";
import { exists, readDone } from "../base/mod.ts";
import type { BatchImage } from "./batch_list.ts";
import { begunPath, statePath } from "./batch_paths.ts";
import type { BatchState } from "./batch_state.ts";
import { outputFolders, outputNamesOf } from "./segment_files.ts";
import { foreignTables, TABLES } from "./tables_record.ts";

/** What {@link checkOutputs} compares with. */
export interface OutputsOptions {
  /** All images of the batch, where only some of them are worked on here. */
  all?: readonly BatchImage[];
  /** Other files that are read: table of images, models. */
  inputs?: readonly string[];
  /** Folders of images and masks: results are not mixed with them. */
  folders?: readonly string[];
}

/**
 * Refuses a folder of results in which images' files or tables would be written over (or removed
 * with) an input, or a file that no earlier run made. Nothing is opened but states.
 *
 * @param images those that are worked on; none: only the tables over all are written
 * @throws {RangeError} naming the file and what it is
 */
export async function checkOutputs(
  outDir: string,
  images: readonly BatchImage[],
  { all = images, inputs = [], folders = [] }: OutputsOptions = {},
): Promise<void> {
  if (!await exists(outDir)) return;
  if (!(await Deno.stat(outDir)).isDirectory) {
    throw new RangeError(`${outDir} is no folder: write to another one`);
  }
  const parts = [...outputFolders(), "encodings", "state"];
  checkFolders(outDir, parts, folders);
  const present = namesBelow(outDir, parts), written: string[] = [];
  for (const { id } of images) {
    const own = batchFilesOf(id).filter((name) =>
      present.has(folded(name)) && isThere(outDir, name)
    );
    if (own.length === 0) continue;
    written.push(...own);
    const foreign = await foreignFiles(outDir, id, own);
    if (foreign.length > 0) refuseForeign(outDir, foreign[0], written, all, inputs);
  }
  written.push(...TABLES.filter((name) => isThere(outDir, name)));
  refuseInputs(outDir, written, all, inputs);
  const [table] = await foreignTables(outDir, all);
  if (table !== undefined) refuseForeign(outDir, table, [], all, inputs);
}

/** Every file that a batch writes or removes for an image, its state last. */
function batchFilesOf(id: string): string[] {
  return [...outputNamesOf(id), `encodings/${id}.csv`, `state/${id}.json`];
}

/** An input says more than that the file is a stranger's. */
function refuseForeign(
  outDir: string,
  name: string,
  written: readonly string[],
  all: readonly BatchImage[],
  inputs: readonly string[],
): never {
  refuseInputs(outDir, [...written, name], all, inputs);
  throw new RangeError(
    `${
      join(outDir, name)
    } would be overwritten, and no earlier run has made it: move it away, or ` +
      "write to another folder",
  );
}

function refuseInputs(
  outDir: string,
  written: readonly string[],
  all: readonly BatchImage[],
  inputs: readonly string[],
): void {
  if (written.length === 0) return;
  const known = inputKeys(all, inputs);
  for (const name of written) {
    const path = join(outDir, name), what = keysOf(path).map((key) => known.get(key)).find(Boolean);
    if (what === undefined) continue;
    throw new RangeError(
      `${path} would be overwritten, and it is ${what} of this run: write to another folder`,
    );
  }
}

/** What each input is, by every key that the file has. */
function inputKeys(all: readonly BatchImage[], inputs: readonly string[]): Map<string, string> {
  const known = new Map<string, string>();
  const add = (path: string, what: string) => {
    for (const key of keysOf(path)) if (!known.has(key)) known.set(key, what);
  };
  for (const { id, path, truth } of all) {
    add(path, `the image "${id}"`);
    if (truth !== null) add(truth, `the mask of "${id}"`);
  }
  for (const path of inputs) add(path, "an input");
  return known;
}

/** The file itself, and what it links to: two paths of one file share a key. */
function keysOf(path: string): string[] {
  return [Deno.lstatSync, Deno.statSync].flatMap((stat) => {
    const info = statOrNull(path, stat);
    // Where the system numbers no files, the path is all there is.
    if (info === null) return [];
    return info.ino ? [`${info.dev}:${info.ino}`] : [resolve(path)];
  });
}

function checkFolders(outDir: string, parts: readonly string[], inputs: readonly string[]): void {
  for (const part of parts) {
    const path = join(outDir, part), info = statOrNull(path, Deno.statSync);
    if (info === null) continue;
    if (!info.isDirectory) {
      throw new RangeError(`${path} is a file where a folder of results is to be: move it away`);
    }
    const keys = keysOf(path);
    const input = inputs.find((folder) => keysOf(folder).some((key) => keys.includes(key)));
    if (input === undefined) continue;
    throw new RangeError(
      `results would be written into ${input}, a folder of inputs: write to another folder`,
    );
  }
}

/** Names of the files below the folders of results, as {@link folded}; most are not there. */
function namesBelow(outDir: string, parts: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const part of parts) {
    if (statOrNull(join(outDir, part), Deno.statSync) === null) continue;
    for (const { name } of Deno.readDirSync(join(outDir, part))) {
      names.add(folded(`${part}/${name}`));
    }
  }
  return names;
}

/** Some file systems know no case, or compose letters. */
const folded = (name: string) => name.normalize("NFC").toLowerCase();

const isThere = (outDir: string, name: string) =>
  statOrNull(join(outDir, name), Deno.lstatSync) !== null;

function statOrNull(path: string, stat: (path: string) => Deno.FileInfo): Deno.FileInfo | null {
  try {
    return stat(path);
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) return null;
    throw error;
  }
}

/** Those of an image's files that no run of a batch has made. */
async function foreignFiles(
  outDir: string,
  id: string,
  files: readonly string[],
): Promise<string[]> {
  const state = statePath(outDir, id);
  if (await exists(begunPath(outDir, id))) return [];
  const done = await readDone<BatchState>(state);
  // Between the two looks, another process of the batch may have begun with the image.
  if (await exists(begunPath(outDir, id))) return [];
  if (done === null || done.made.step !== "inference") return [...files];
  const ours = new Set(Object.keys(done.files).map((file) => resolve(dirname(state), file)));
  ours.add(resolve(state));
  return files.filter((name) => !ours.has(resolve(outDir, name)));
}

/**
 * Ids of images that have results in the folder and are not in the batch (any more), sorted.
 *
 * @param images all of the batch
 */
export async function leftoverIds(
  outDir: string,
  images: readonly BatchImage[],
): Promise<string[]> {
  const folder = join(outDir, "state"), ids = new Set(images.map(({ id }) => id));
  if (!await exists(folder)) return [];
  const found: string[] = [];
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    const id = basename(name, ".json");
    if (isFile && name.endsWith(".json") && !name.startsWith(".") && !ids.has(id)) found.push(id);
  }
  return found.sort();
}
