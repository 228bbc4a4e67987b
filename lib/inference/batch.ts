/** Many image files, one at a time: finished ones are skipped, failed ones do not stop the others. */
import { basename, dirname, join } from "node:path";
import { exists, FileDigests, FolderLockedError, lockFolder, sweepTemporary } from "../base/mod.ts";
import { probeImage } from "../image/mod.ts";
import type { BatchImage } from "./batch_list.ts";
import { checkOutputs } from "./batch_outputs.ts";
import { type BatchState, BatchStore } from "./batch_state.ts";
import { checkEnsemble, type TilePredictor } from "./predictor.ts";
import { writeEncodings } from "./reports.ts";
import { chooseScale } from "./scale.ts";
import { segmentFile, type SegmentOptions } from "./segment.ts";
import { outputFolders, outputNamesOf } from "./segment_files.ts";
import { checkSettings } from "./settings.ts";
import { adoptTables } from "./tables_record.ts";

/** Settings of {@link runBatch}. */
export interface BatchOptions extends Omit<SegmentOptions, "onTile"> {
  /** Digest of the models' content, see {@link modelsDigest}: results of other models are not kept. */
  models: string;
  /** Does finished images anew. */
  force?: boolean;
  /**
   * Whether other processes work on other images of the same folder (arrays of jobs, workers). Each
   * image is locked by itself then, and only its own leftovers are swept.
   */
  shared?: boolean;
  /** Called with the tiles done of each image. */
  onTile?: (done: number, total: number, image: BatchImage, index: number) => void;
  /** Called with each image when it is done, skipped or failed. */
  onImage?: (state: BatchState, index: number) => void;
}

/** One digest over the contents of model files, in their order. */
export async function modelsDigest(paths: readonly string[]): Promise<string> {
  const digests = await FileDigests.open();
  const each: string[] = [];
  for (const path of paths) each.push(await digests.of(path));
  return each.join("+");
}

/**
 * Segments images one after another. Each has its files below `outDir` (see `segmentFile`), its
 * encoding in `encodings/<id>.csv` and, last of all, its state in `state/<id>.json`, which holds the
 * settings, the digests of models, image and truth, and those of the result's files. An image whose
 * state is for the same settings and inputs and whose files are still those is skipped; otherwise its
 * state is removed before any of its files is touched. An image that fails has the state `failed` and
 * the others go on.
 *
 * @returns the states, in the order of the images
 * @throws {RangeError} for settings or an ensemble that do not fit, or a folder whose files would be
 *   lost (see `checkOutputs`), before anything is touched
 * @throws {FolderLockedError} when another run has the folder
 * @throws {Error} when a state cannot be written
 * @throws the signal's reason when aborted
 */
export async function runBatch(
  images: readonly BatchImage[],
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
): Promise<BatchState[]> {
  checkBatch(options);
  checkEnsemble(ensemble, options.tile);
  const { outDir, shared = false } = options;
  await checkOutputs(outDir, images);
  await using _lock = await lockFolder(outDir, "inference", { shared });
  if (!shared) await sweep(outDir);
  await adoptTables(outDir);
  const store = await BatchStore.open(outDir);
  const states: BatchState[] = [];
  try {
    for (const [index, image] of images.entries()) {
      options.signal?.throwIfAborted();
      const state = await runOne(image, index, ensemble, options, store);
      options.onImage?.(state, index);
      states.push(state);
    }
  } finally {
    if (!shared) await store.save();
  }
  return states;
}

/**
 * Checks the settings of a batch without touching anything.
 *
 * @throws {RangeError} naming the setting, what was given and what is expected
 */
export function checkBatch(options: Omit<BatchOptions, "models">): void {
  checkSettings({ ...options, onTile: undefined });
  chooseScale("", null, options);
}

/** Temporary files of processes that died. */
async function sweep(outDir: string): Promise<void> {
  for (const folder of [...outputFolders(), "encodings", "state", ""]) {
    await sweepTemporary(join(outDir, folder));
  }
}

/** Temporary files of one image, whose lock is held: the processes that wrote them are dead. */
async function sweepImage(outDir: string, id: string): Promise<void> {
  const names = [...outputNamesOf(id), `encodings/${id}.csv`, `state/${id}.json`];
  names.push(`state/.begun-${id}.json`);
  const files = Map.groupBy(names, dirname);
  for (const [folder, paths] of files) {
    const path = join(outDir, folder), own = new Set(paths.map((name) => basename(name)));
    if (!await exists(path)) continue;
    for (const { name } of Deno.readDirSync(path)) {
      const [, written] = /^\.part-\d+-(.*)$/.exec(name) ?? [];
      if (written !== undefined && own.has(written)) await Deno.remove(join(path, name));
    }
  }
}

async function runOne(
  image: BatchImage,
  index: number,
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
  store: BatchStore,
): Promise<BatchState> {
  const { id } = image, { outDir, signal } = options, start = performance.now();
  const seconds = () => Number(((performance.now() - start) / 1000).toFixed(3));
  const failed = (error: unknown): BatchState => {
    signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    return { id, status: "failed", skipped: false, seconds: seconds(), message };
  };
  let release = () => Promise.resolve();
  try {
    ({ release } = await lockFolder(join(outDir, "state"), `image ${id}`, { file: `.lock-${id}` }));
    if (options.shared) await sweepImage(outDir, id);
    if (image.refused !== undefined) throw new RangeError(image.refused);
    const wanted = await store.wanted(image, options);
    const before = options.force ? null : await store.finished(id, wanted);
    if (before) {
      await store.end(id);
      return { ...before, skipped: true };
    }
    await checkInput(image);
    await store.begin(id);
    const state = await segmentOne(image, ensemble, {
      ...options,
      onTile: (done, total) => options.onTile?.(done, total, image, index),
    }).then(({ result, scores, files }): { state: BatchState; files: string[] } => ({
      state: { id, status: "done", skipped: false, seconds: seconds(), result, scores },
      files,
    }), (error) => ({ state: failed(error), files: [] }));
    await store.removeOthers(id, state.files);
    await store.write(id, wanted, state.files, state.state);
    await store.end(id);
    return state.state;
  } catch (error) {
    const state = failed(error);
    // Another process' image is not ours to touch.
    if (!(error instanceof FolderLockedError)) await store.fail(image, state);
    return state;
  } finally {
    await release();
  }
}

/** What can be known to fail before an earlier result is given up. */
async function checkInput({ path, truth }: BatchImage): Promise<void> {
  const header = await probeImage(path);
  if (truth === null) return;
  const { height, width } = await probeImage(truth);
  if (height !== header.height || width !== header.width) {
    throw new RangeError(
      `mask ${truth} is ${height} x ${width} (height x width), its image ` +
        `${header.height} x ${header.width}`,
    );
  }
}

async function segmentOne(
  image: BatchImage,
  ensemble: readonly TilePredictor[],
  options: SegmentOptions,
) {
  const { pixels, scores, ...result } = await segmentFile(image, ensemble, options);
  const encoding = `encodings/${image.id}.csv`;
  await writeEncodings(join(options.outDir, encoding), [{ img: image.id, pixels }]);
  return { result, scores: scores ?? undefined, files: [...result.files, encoding] };
}
