/** Where the files of a run lie: which data set is read and where results are written. */
import { basename, join, relative, resolve } from "node:path";
import { digestOf, exists, PROJECT_ROOT, writeWhole } from "../base/mod.ts";

/** The folders of a run. All paths are absolute. */
export interface Workspace {
  /** The name of the data set's folder, e.g. `Synthetic_crypt_dataset`. */
  name: string;
  /** The data set that is read; nothing is written there. */
  dataRoot: string;
  /** True for the built-in data set, which is generated where it is missing. */
  builtIn: boolean;
  /** What is written lies below this folder. */
  root: string;
  /** Masks made from encodings and polygons. */
  masks: string;
  /** Patches and `train_data.csv`. */
  work: string;
  /** Fold models, training logs and the training report. */
  models: string;
  /** Submission CSVs, Dice reports and object tables. */
  results: string;
  /** Overlays of truth and prediction. */
  overlays: string;
  /** The figures of the embeddings. */
  vizOverlays: string;
}

/** The real data set's folder; it is the default where it is there. */
export const REAL_DATA = "Colonic_crypt_dataset";
/** The built-in data set's folder. */
export const BUILT_IN_DATA = "Synthetic_crypt_dataset";

/**
 * Chooses the data set and the folders of a run.
 *
 * The data set is `options.data`, else the environment variable `CRYPTS_DATA`, else
 * `Colonic_crypt_dataset/` in the project where it is there, else the built-in
 * `Synthetic_crypt_dataset/`. Results go to `options.out`, else `CRYPTS_OUT`, else the project's
 * own top-level folders for these two data sets and `runs/<name>/` for any other, or
 * `runs/<name>-<digest of its path>/` where that name is taken by another data set. Relative paths
 * are taken from the project's folder.
 *
 * @throws {Deno.errors.NotFound} naming a chosen data set that does not exist
 */
export async function openWorkspace(
  options: { data?: string; out?: string } = {},
): Promise<Workspace> {
  const chosen = options.data ?? (Deno.env.get("CRYPTS_DATA") || undefined);
  const defaultData = await exists(join(PROJECT_ROOT, REAL_DATA)) ? REAL_DATA : BUILT_IN_DATA;
  const dataRoot = resolve(PROJECT_ROOT, chosen ?? defaultData);
  const builtIn = dataRoot === join(PROJECT_ROOT, BUILT_IN_DATA);
  if (!builtIn && !await exists(dataRoot)) {
    throw new Deno.errors.NotFound(
      `no data set at ${dataRoot}: expected a folder with train/, train.csv, test/ and test.csv ` +
        "(set CRYPTS_DATA, or unset it for the built-in data set)",
    );
  }
  const name = basename(dataRoot);
  const own = builtIn || dataRoot === join(PROJECT_ROOT, REAL_DATA);
  const out = options.out ?? (Deno.env.get("CRYPTS_OUT") || undefined);
  const root = out
    ? resolve(PROJECT_ROOT, out)
    : own
    ? PROJECT_ROOT
    : await ownFolder(dataRoot, join(PROJECT_ROOT, "runs"));
  const at = (folder: string) => join(root, folder);
  return {
    name,
    dataRoot,
    builtIn,
    root,
    masks: at("masks"),
    work: at("work"),
    models: at("models"),
    results: at("results"),
    overlays: at("overlays"),
    vizOverlays: at("viz_overlays"),
  };
}

/** Says in a folder of `runs/` which data set it belongs to. */
const OWNER_FILE = "data_set.json";

/**
 * The folder in `runs` of the data set at `dataRoot`: named as the data set's, and by a digest of its
 * path, too, where another data set has that name. Whose it is stands in its file `data_set.json`.
 */
export async function ownFolder(dataRoot: string, runs: string): Promise<string> {
  const name = basename(dataRoot);
  // As seen from the project, so that a project moved together with its data keeps its results.
  const owner = relative(PROJECT_ROOT, dataRoot);
  for (const folder of [name, `${name}-${digestOf(owner).slice(0, 8)}`]) {
    const path = join(runs, folder), file = join(path, OWNER_FILE);
    const found = await ownerIn(file);
    if (found !== null && found !== owner) continue;
    if (found === null) await writeWhole(file, JSON.stringify({ path: owner }) + "\n");
    return path;
  }
  throw new Error(
    `two data sets want ${
      join(runs, name)
    } and its other name: give this one a folder (CRYPTS_OUT)`,
  );
}

async function ownerIn(file: string): Promise<string | null> {
  if (!await exists(file)) return null;
  try {
    return String(JSON.parse(await Deno.readTextFile(file)).path);
  } catch (cause) {
    throw new Error(`${file} does not say which data set it belongs to: remove it`, { cause });
  }
}

/** `path` as seen from the project's folder, for messages that are committed with a notebook. */
export function shortPath(path: string): string {
  return path.startsWith(`${PROJECT_ROOT}/`) ? path.slice(PROJECT_ROOT.length + 1) : path;
}
