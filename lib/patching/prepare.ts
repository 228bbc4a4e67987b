/** The training patches of a data set: cut, judged, written, and listed in `train_data.csv`. */
import { dirname, join, relative } from "node:path";
import pl from "nodejs-polars";
import { writeCsv } from "../tables/mod.ts";
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
  /** Gets the folders `patches/` and `masks/`. */
  outDir: string;
  /** `train_data.csv`; its paths are relative to its own folder. */
  csvPath: string;
  onProgress?: (done: number, total: number, record: ImageRecord) => void;
  /** Stops between two patches; no table is written then. */
  signal?: AbortSignal;
}

/** What became of one window. */
export interface PatchSummary {
  /** Id of the image. */
  image: string;
  /** Number of the window within its image, row-major, kept or not. */
  index: number;
  /** Top-left pixel as in {@link PatchExtractor.positions}. */
  row: number;
  column: number;
  /** The class of the patch: whether it holds any crypt. */
  crypt: boolean;
  kept: boolean;
  /** Why it was kept (`"crypt"`, `"tissue"`) or dropped (`"dark"`, `"bright"`). */
  reason: "crypt" | "tissue" | "dark" | "bright";
  /** Share of dark pixels. */
  dark: number;
  /** Share of bright pixels. */
  bright: number;
}

/** Columns of `train_data.csv`. */
export const TRAIN_DATA_COLUMNS = ["Train_image_path", "Train_mask_path", "class"] as const;

/** Files written at the same time. */
const WRITERS = 4;

/**
 * Writes the training patches of the annotated images, `<outDir>/patches/<image><index>.tiff` and
 * the same under `masks/`, and the table of them. One image is in memory at a time; the table is
 * written last, so that it never names a patch that is not there.
 *
 * @returns every window, dropped ones included, in the order of images and windows
 * @throws {RangeError} naming the image when one is smaller than a patch (before anything is
 *   written), or when no image is annotated
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
  const plans = annotated.map((record) => {
    const { height, width } = scaledSize(record, patchScale(record, options));
    try {
      return extractor.positions(height, width, options.mode);
    } catch (error) {
      throw new RangeError(`image ${record.id}: ${(error as Error).message}`, { cause: error });
    }
  });
  const total = plans.reduce((sum, plan) => sum + plan.length, 0);
  const summaries: PatchSummary[] = [];
  for (const [i, record] of annotated.entries()) {
    for await (const summary of patchImage(record, plans[i], extractor, options)) {
      summaries.push(summary);
      options.onProgress?.(summaries.length, total, record);
    }
  }
  const kept = summaries.filter((summary) => summary.kept);
  const base = dirname(options.csvPath);
  const path = (folder: string, s: PatchSummary) =>
    relative(base, patchPath(options.outDir, folder, s.image, s.index));
  const frame = pl.DataFrame({
    Train_image_path: pl.Series("", kept.map((s) => path("patches", s)), pl.Utf8),
    Train_mask_path: pl.Series("", kept.map((s) => path("masks", s)), pl.Utf8),
    class: pl.Series("", kept.map((s) => s.crypt ? 1 : 0), pl.Int64),
  });
  await writeCsv(options.csvPath, frame);
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

/**
 * `<image><index>.tiff`; an id that ends in a digit is set apart by `_`, since patch 13 of `train_2` and
 * patch 3 of `train_21` would share a file. `parentImage` of `lib/training/patches.ts` reads it back.
 */
function patchPath(outDir: string, folder: string, image: string, index: number): string {
  return join(outDir, folder, `${image}${/\d$/.test(image) ? "_" : ""}${index}.tiff`);
}

async function* patchImage(
  record: ImageRecord,
  plan: readonly WindowPosition[],
  extractor: PatchExtractor,
  options: PreparePatchesOptions,
): AsyncGenerator<PatchSummary, void, unknown> {
  const { mode, outDir, signal, labels = false, filter = ORIGINAL_RULE } = options;
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
          writeRgb(patchPath(outDir, "patches", record.id, index), patch),
          writeTruth(patchPath(outDir, "masks", record.id, index), patchMask),
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
