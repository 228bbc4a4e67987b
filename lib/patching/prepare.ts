/** The training patches of a data set: cut, judged, written, and listed in `train_data.csv`. */
import { dirname, relative } from "node:path";
import pl from "nodejs-polars";
import { clearDone, exists, lockFolder, writeWhole } from "../base/mod.ts";
import { ensureLabels, ensureMask, type ImageRecord } from "../dataset/mod.ts";
import {
  type Mask,
  readRgb,
  resizeMask,
  scaledSize,
  writeLabels,
  writeMask,
  writeRgb,
} from "../image/mod.ts";
import { PatchExtractor, type PatchMode, type WindowPosition } from "./extractor.ts";
import { PatchStore, type PatchSummary } from "./patch_store.ts";
import { noticeUnknownSize } from "./trained_at.ts";
import { judgeTissue, ORIGINAL_RULE, type TissueRule } from "./tissue.ts";

/** Settings of {@link preparePatches}. */
export interface PreparePatchesOptions {
  /** Height and width of a patch in pixels of the scaled image. */
  window: readonly [number, number];
  /** Rows and columns between neighbouring patches. */
  step: readonly [number, number];
  mode: PatchMode;
  /** Factor on the sides of images whose pixel size is not known, in (0, 1]; default 1. */
  scale?: number;
  /** µm per pixel to which images of known pixel size are brought; default: `scale` for all images. */
  pixelSize?: number;
  /** Masks tell crypts apart (values 1, 2, … in each patch) instead of 0/255; default false. */
  labels?: boolean;
  /** The rule that drops patches without crypt; default the original's. */
  filter?: Readonly<TissueRule>;
  /** Gets the folders `patches/`, `masks/` and `state/`. */
  outDir: string;
  /** `train_data.csv`; its paths are relative to its own folder. */
  csvPath: string;
  /** Windows judged so far, of all images; called for images that are cut, not for those that stay. */
  onProgress?: (done: number, total: number, record: ImageRecord) => void;
  /** Says which image is cut again, and why. */
  onMessage?: (text: string) => void;
  /** Stops between two patches; no table is written then. */
  signal?: AbortSignal;
}

/** Files written at the same time. */
const WRITERS = 4;

/**
 * Writes the training patches of the annotated images, `<outDir>/patches/<image><index>.tiff` and
 * the same under `masks/`, and the table of them (the original's three columns and `image`). One
 * image is in memory at a time.
 *
 * Images whose patches were cut before from the same pixels, annotations and settings are left as
 * they are (see {@link PatchStore}); a changed mask, encoding or polygon cuts its image anew, and the
 * patches of images that are gone go. The table is removed before anything is changed and written
 * last, so that it never names a patch that is not there. Killed at any moment and started again, it
 * ends with the same files.
 *
 * @returns every window, dropped ones included, in the order of images and windows
 * @throws {RangeError} naming the image when one is smaller than a patch, or has no known pixel size
 *   where `pixelSize` is wanted and others have one (before anything is written), or when no image is
 *   annotated
 * @throws {FolderLockedError} when another run is cutting patches into `outDir`
 * @throws {Error} naming the file that cannot be read or written
 * @throws the signal's reason when aborted
 */
export async function preparePatches(
  records: readonly ImageRecord[],
  options: PreparePatchesOptions,
): Promise<PatchSummary[]> {
  const extractor = new PatchExtractor(options.window, options.step);
  const annotated = records.filter((record) => record.annotated);
  if (annotated.length === 0) {
    throw new RangeError(`none of the ${records.length} images is annotated: nothing to patch`);
  }
  noticeUnknownSize(annotated, options);
  const plans = annotated.map((record) => {
    const { height, width } = scaledSize(record, patchScale(record, options));
    try {
      return extractor.positions(height, width, options.mode);
    } catch (error) {
      throw new RangeError(`image ${record.id}: ${(error as Error).message}`, { cause: error });
    }
  });
  await using _lock = await lockFolder(options.outDir, "cutting patches");
  const store = await PatchStore.open(options.outDir, decidingSettings(options));
  await store.sweep();
  const summaries = await cutWhatChanged(annotated, plans, extractor, store, options);
  await writeTable(options, store, summaries.filter((summary) => summary.kept));
  await store.close();
  return summaries;
}

/**
 * The factor on the sides of an image before it is cut: from its pixel size to the wanted one where
 * both are known, else `scale`.
 *
 * @throws {RangeError} naming the image when it would have to be enlarged
 */
export function patchScale(
  record: Pick<ImageRecord, "id" | "pixelSize">,
  options: Pick<PreparePatchesOptions, "scale" | "pixelSize">,
): number {
  const { scale = 1, pixelSize } = options;
  if (pixelSize === undefined || record.pixelSize === null) return scale;
  // Sizes are rounded in information tables: half a percent is none.
  const factor = record.pixelSize / pixelSize;
  if (factor > 1.005) {
    throw new RangeError(
      `image ${record.id} has ${record.pixelSize} µm per pixel, coarser than the wanted ` +
        `${pixelSize}: choose a pixelSize of at least ${record.pixelSize}`,
    );
  }
  return Math.min(1, factor);
}

/** All options but those that say where to, and how to tell. */
function decidingSettings(options: PreparePatchesOptions): Record<string, unknown> {
  const { outDir: _o, csvPath: _c, onProgress: _p, onMessage: _m, signal: _s, ...deciding } =
    options;
  // Of scale and pixelSize each image has what follows from them for it.
  const { scale: _f, pixelSize: _u, ...settings } = deciding;
  return { ...settings, labels: options.labels ?? false, filter: options.filter ?? ORIGINAL_RULE };
}

async function cutWhatChanged(
  records: readonly ImageRecord[],
  plans: readonly WindowPosition[][],
  extractor: PatchExtractor,
  store: PatchStore,
  options: PreparePatchesOptions,
): Promise<PatchSummary[]> {
  const found = [];
  for (const record of records) {
    found.push(await store.look(record, { scale: patchScale(record, options) }));
  }
  const ids = new Set(records.map((record) => record.id));
  const gone = (await store.images()).filter((id) => !ids.has(id));
  if (gone.length > 0 || found.some(({ windows }) => windows === null)) {
    await clearDone(options.csvPath);
  }
  for (const id of gone) await store.remove(id);
  const total = plans.reduce((sum, plan) => sum + plan.length, 0);
  const summaries: PatchSummary[] = [];
  for (const [i, record] of records.entries()) {
    const { wanted, windows, changed } = found[i];
    if (windows) {
      summaries.push(...windows);
      continue;
    }
    if (changed) options.onMessage?.(`image ${record.id} is cut again: ${changed}`);
    await store.remove(record.id);
    const own: PatchSummary[] = [];
    for await (const summary of patchImage(record, plans[i], extractor, store, options)) {
      own.push(summary);
      options.onProgress?.(summaries.length + own.length, total, record);
    }
    await store.finish(record.id, wanted, own);
    summaries.push(...own);
  }
  return summaries;
}

/** Writes the table unless it is there with the same rows. */
async function writeTable(
  { csvPath }: PreparePatchesOptions,
  store: PatchStore,
  kept: readonly PatchSummary[],
): Promise<void> {
  const base = dirname(csvPath);
  const paths = (folder: "patches" | "masks") =>
    kept.map((s) => relative(base, store.path(folder, s.image, s.index)));
  const text = pl.DataFrame({
    Train_image_path: pl.Series("", paths("patches"), pl.Utf8),
    Train_mask_path: pl.Series("", paths("masks"), pl.Utf8),
    class: pl.Series("", kept.map((s) => s.crypt ? 1 : 0), pl.Int64),
    image: pl.Series("", kept.map((s) => s.image), pl.Utf8),
  }).writeCSV().toString();
  if (await exists(csvPath) && await Deno.readTextFile(csvPath) === text) return;
  await writeWhole(csvPath, text);
}

async function* patchImage(
  record: ImageRecord,
  plan: readonly WindowPosition[],
  extractor: PatchExtractor,
  store: PatchStore,
  options: PreparePatchesOptions,
): AsyncGenerator<PatchSummary, void, unknown> {
  const { mode, signal, labels = false, filter = ORIGINAL_RULE } = options;
  const image = await readRgb(record.imagePath, { scale: patchScale(record, options) });
  const masks = labels
    ? extractor.extractLabels(await ensureLabels(record), image, mode)
    : extractor.extractMask(
      resizeMask(await ensureMask(record), image.height, image.width),
      mode,
    );
  const writeTruth = (path: string, { data, ...size }: Mask) =>
    labels
      ? writeLabels(path, { data: Uint16Array.from(data), ...size })
      : writeMask(path, { data, ...size });
  const writes = new Set<Promise<void>>();
  try {
    let index = 0;
    for (const patch of extractor.extract(image, mode)) {
      signal?.throwIfAborted();
      const patchMask = masks.next().value as Mask;
      const crypt = patchMask.data.some((value) => value !== 0);
      const { verdict, dark, bright } = judgeTissue(patch, filter);
      const kept = crypt || verdict === "tissue";
      if (kept) {
        const write = Promise.all([
          writeRgb(store.path("patches", record.id, index), patch),
          writeTruth(store.path("masks", record.id, index), patchMask),
        ]).then(() => void writes.delete(write));
        // A failure is reported by the race or the final wait, never as an unhandled rejection.
        write.catch(() => {});
        writes.add(write);
        if (writes.size >= WRITERS) await Promise.race(writes);
      }
      const reason = crypt ? "crypt" : verdict;
      yield { image: record.id, index, ...plan[index], crypt, kept, reason, dark, bright };
      index++;
    }
    await Promise.all(writes);
  } finally {
    await Promise.allSettled(writes);
  }
}
