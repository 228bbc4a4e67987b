/** Many image files, one at a time: finished ones are skipped, failed ones do not stop the others. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { readTextRows } from "../tables/mod.ts";
import { exists, writeWhole } from "../base/mod.ts";
import type { ImageScores } from "../evaluation/mod.ts";
import type { TilePredictor } from "./predictor.ts";
import { writeEncodings } from "./reports.ts";
import { type Segmented, segmentFile, type SegmentOptions } from "./segment.ts";

/** An image of a batch. */
export interface BatchImage {
  /** Names its results. */
  id: string;
  path: string;
  /** µm a pixel, where it is known. */
  pixelSize: number | null;
  /** A ground truth mask to score against; null where there is none. */
  truth: string | null;
}

/** What is known of an image after it was tried: `state/<id>.json`. */
export interface BatchState {
  id: string;
  status: "done" | "failed";
  /** Whether this run did it, or found it done. */
  skipped: boolean;
  /** What decided the result: settings, models, and the image file. Another one is done anew. */
  fingerprint: string;
  seconds: number;
  /** Why it failed. */
  message?: string;
  result?: Omit<Segmented, "pixels" | "scores">;
  scores?: ImageScores;
}

/** Settings of {@link runBatch}. */
export interface BatchOptions extends Omit<SegmentOptions, "onTile"> {
  /** Hash of the models, see {@link hashFiles}: results of other models are not kept. */
  models: string;
  /** Does finished images anew. */
  force?: boolean;
  /** Hears the tiles of each image. */
  onTile?: (done: number, total: number, image: BatchImage, index: number) => void;
  /** Hears of each image when it is done, skipped or failed. */
  onImage?: (state: BatchState, index: number) => void;
}

const IMAGE = /\.(tiff?|svs|png|jpe?g)$/i;

/**
 * Lists the images of a folder (by name), or those of a CSV file with the column `image` (paths
 * relative to the file) and, where they are there, `id`, `pixel_size_um` and `mask`.
 *
 * @param masks a folder with masks of ground truth, `<id>.tiff` or `<id>.png`
 * @throws {Deno.errors.NotFound} when the folder or file is not there
 * @throws {RangeError} when there is no image, a row without one, or an id that occurs twice
 */
export async function listBatch(images: string, masks?: string): Promise<BatchImage[]> {
  if (!await exists(images)) throw new Deno.errors.NotFound(`no images at ${images}`);
  const folder = (await Deno.stat(images)).isDirectory;
  const listed = folder ? await listFolder(images) : listManifest(images);
  if (listed.length === 0) throw new RangeError(`${images} has no image`);
  const seen = new Map<string, string>();
  for (const image of listed) {
    const before = seen.get(image.id);
    if (before) {
      throw new RangeError(
        `${images}: two images have the id "${image.id}": ${before} and ${image.path}`,
      );
    }
    seen.set(image.id, image.path);
    if (!masks || image.truth) continue;
    for (const extension of ["tiff", "tif", "png"]) {
      const path = join(masks, `${image.id}.${extension}`);
      if (image.truth === null && await exists(path)) image.truth = path;
    }
  }
  return listed;
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

function listManifest(path: string): BatchImage[] {
  const base = dirname(path);
  return readTextRows(path, ["image"]).map((row, i) => {
    if (!row.image) throw new RangeError(`${path}: row ${i + 1} has no image`);
    const size = row.pixel_size_um ? Number(row.pixel_size_um) : null;
    if (size !== null && !(size > 0)) {
      throw new RangeError(
        `${path}: row ${i + 1}: pixel_size_um must be > 0, got "${row.pixel_size_um}"`,
      );
    }
    return {
      id: row.id ?? idOf(basename(row.image)),
      path: resolve(base, row.image),
      pixelSize: size,
      truth: row.mask ? resolve(base, row.mask) : null,
    };
  });
}

const idOf = (name: string) => basename(name, extname(name)).replace(/\.ome$/i, "");

/** SHA-256 over the contents of files, in their order. */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Segments images one after another. Each has its files below `outDir` (see `segmentFile`), its
 * encoding in `encodings/<id>.csv` and, last of all, its state in `state/<id>.json`: an image whose
 * state says `done`, with the same settings, models and image file, is skipped. An image that fails
 * has the state `failed` and the others go on.
 *
 * @returns the states, in the order of the images
 * @throws {Error} when a state cannot be written
 * @throws the signal's reason when aborted
 */
export async function runBatch(
  images: readonly BatchImage[],
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
): Promise<BatchState[]> {
  const states: BatchState[] = [];
  for (const [index, image] of images.entries()) {
    options.signal?.throwIfAborted();
    const state = await runOne(image, index, ensemble, options);
    options.onImage?.(state, index);
    states.push(state);
  }
  return states;
}

async function runOne(
  image: BatchImage,
  index: number,
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
): Promise<BatchState> {
  const { id } = image, { outDir } = options, start = performance.now();
  const seconds = () => Number(((performance.now() - start) / 1000).toFixed(3));
  const path = join(outDir, "state", `${id}.json`);
  let state: BatchState, fingerprint = "";
  try {
    fingerprint = await fingerprintOf(image, options);
    const before = options.force ? null : await finishedState(path, fingerprint, outDir);
    if (before) return { ...before, skipped: true };
    const { pixels, scores, ...result } = await segmentFile(image, ensemble, {
      ...options,
      onTile: (done, total) => options.onTile?.(done, total, image, index),
    });
    await writeEncodings(join(outDir, "encodings", `${id}.csv`), [{ img: id, pixels }]);
    state = { id, status: "done", skipped: false, fingerprint, seconds: seconds(), result };
    if (scores) state.scores = scores;
  } catch (error) {
    options.signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    state = { id, status: "failed", skipped: false, fingerprint, seconds: seconds(), message };
  }
  await writeWhole(path, JSON.stringify(state, null, 2) + "\n");
  return state;
}

async function finishedState(
  path: string,
  fingerprint: string,
  outDir: string,
): Promise<BatchState | null> {
  if (!await exists(path)) return null;
  let state: BatchState;
  try {
    state = JSON.parse(await Deno.readTextFile(path));
  } catch {
    return null;
  }
  if (state.status !== "done" || state.fingerprint !== fingerprint) return null;
  const files = [...state.result?.files ?? [], `encodings/${state.id}.csv`];
  const there = await Promise.all(files.map((file) => exists(join(outDir, file))));
  return there.every(Boolean) ? state : null;
}

/** What decides the result, as a hash. How it is computed (batch size, folder) does not count. */
async function fingerprintOf(image: BatchImage, options: BatchOptions): Promise<string> {
  const stamp = async (path: string | null) => {
    if (path === null) return null;
    const { size, mtime } = await Deno.stat(path);
    return { path: resolve(path), size, modified: mtime?.getTime() ?? null };
  };
  const { models, tile, mode, overlap, weights, sigma, combine, tta, scale, threshold } = options;
  const { crypts, geojson, probability, uncertainty } = options;
  const settings = {
    ...{ models, tile, mode, overlap, weights, sigma, combine, tta, scale, threshold },
    ...{ crypts: { ...crypts, maxHole: String(crypts?.maxHole ?? Infinity) } },
    ...{ geojson, probability, uncertainty, pixelSize: image.pixelSize },
    image: await stamp(image.path),
    truth: await stamp(image.truth),
  };
  return createHash("sha256").update(JSON.stringify(settings)).digest("hex");
}
