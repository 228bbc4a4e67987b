/** What the encoder sees in each tile of a data set: the features that `lib/embedding/embed.ts` maps. */
import { dirname } from "node:path";
import { lockFolder, sweepTemporary } from "../base/mod.ts";
import { ensureMask, type ImageRecord } from "../dataset/mod.ts";
import { bottleneck } from "./features/bottleneck.ts";
import { featureDigests, readFeatureCache, writeFeatureCache } from "./features/cache.ts";
import { featureKey } from "./features/key.ts";
import type { FeatureTable, TileLabel } from "./features/table.ts";
import { type Mask, readRgb, resizeMask, type RgbImage, scaledSize } from "../image/mod.ts";
import { type GraphModel, onnxFeatures, type SegmentationModel } from "../model/mod.ts";
import { judgeTissue, type TissueRule } from "../patching/mod.ts";
import { type TilePosition, tilePositions } from "../stitching/mod.ts";

/** Settings of {@link computeFeatures}. */
export interface FeatureOptions {
  /** Side of the square tiles in pixels of the scaled image; a multiple of the model's `sideMultiple`. */
  tile: number;
  /** Images are scaled by this first, in (0, 1]; default 1. */
  scale?: number;
  /** All of the last feature map, channels first as PyTorch flattens it, or its global average. */
  pool: "flatten" | "average";
  /** Changes each scaled image first (stain normalization, say); `name` goes into the cache's key. */
  prepare?: { name: string; apply: (image: RgbImage) => RgbImage };
  /**
   * Tiles that show no tissue by this rule (scanner artefacts, glass) are left out, crypt or not; what
   * lies beyond the image is not judged. Default: all tiles stay, as in the original.
   */
  tissue?: Readonly<TissueRule>;
  /**
   * The greatest share of a tile that may lie beyond the image, in [0, 1): tiles with more are left
   * out, since the encoder would see white before it sees tissue. Default: all stay, as in the original.
   */
  maxPadding?: number;
  /**
   * The least share of crypt that makes a tile one of class crypt, in [0, 1]; 0, the default: any pixel
   * does, as in the original.
   */
  minCryptShare?: number;
  /** What runs the encoder: TensorFlow.js (default) or ONNX Runtime, the faster one on processors. */
  engine?: "tensorflow" | "onnx";
  /** Tiles a forward pass; default 4. */
  batchSize?: number;
  /** Stem of the cache: `<cachePath>.npy`, `.csv` and `.json`. Without it nothing is kept. */
  cachePath?: string;
  /** Hears the tiles done, their number, and the image they are of. */
  onProgress?: (done: number, total: number, image: string) => void;
  signal?: AbortSignal;
}

/**
 * The encoder's bottleneck for every tile of the annotated `records`, image by image (one is in
 * memory at a time). Tiles do not overlap; the image is padded with white on the right and at the
 * bottom, as inference does. Images without annotation have no class and are left out, as in the
 * original. With `tissue` and `maxPadding`, so are tiles that show something other than tissue: a black
 * rectangle of the scanner, or a strip of tissue in the padding's white, lies so far from all others
 * that it would take most of the variance.
 *
 * With `cachePath`, a table made before from the same model, data and settings is read instead of
 * computed; any other one there is replaced. One run at a time computes into a folder.
 *
 * @returns one row a tile: `channels * (tile / 32)^2` columns for "flatten", `channels` for "average"
 * @throws {RangeError} for a tile side the model cannot take, a bad scale or share, no annotated records,
 *   or where no tile shows tissue
 * @throws the signal's reason when aborted; nothing is cached then
 */
export async function computeFeatures(
  records: readonly ImageRecord[],
  model: SegmentationModel,
  options: FeatureOptions,
): Promise<FeatureTable> {
  const { tile, scale = 1, pool, cachePath } = options;
  const multiple = model.sideMultiple;
  if (!(Number.isInteger(tile) && tile > 0 && tile % multiple === 0)) {
    throw new RangeError(`tile must be a positive multiple of ${multiple}, got ${tile}`);
  }
  const annotated = records.filter((r) => r.annotated);
  if (annotated.length === 0) {
    throw new RangeError(
      `features need at least one annotated image, got ${records.length} without annotation`,
    );
  }
  const { prepare, tissue = null, engine = "tensorflow" } = options;
  const { maxPadding = null, minCryptShare = 0 } = options;
  if (maxPadding !== null && !(maxPadding >= 0 && maxPadding < 1)) {
    throw new RangeError(`maxPadding must be in [0, 1), got ${maxPadding}`);
  }
  if (!(minCryptShare >= 0 && minCryptShare <= 1)) {
    throw new RangeError(`minCryptShare must be in [0, 1], got ${minCryptShare}`);
  }
  const settings = {
    ...{ tile, scale, pool, prepare: prepare?.name ?? null, tissue, engine },
    ...{ maxPadding, minCryptShare },
  };
  if (!cachePath) return await compute(annotated, model, options);
  const digests = await featureDigests(cachePath);
  const key = await featureKey(annotated, model, settings, digests);
  const cached = await readFeatureCache(cachePath, key, digests);
  if (cached) return cached;
  await using _lock = await lockFolder(dirname(cachePath), "computing features");
  await sweepTemporary(dirname(cachePath));
  const table = await compute(annotated, model, options);
  await writeFeatureCache(cachePath, key, table, digests);
  return table;
}

async function compute(
  annotated: readonly ImageRecord[],
  model: SegmentationModel,
  options: FeatureOptions,
): Promise<FeatureTable> {
  const { tile, scale = 1, minCryptShare = 0, signal } = options;
  const chunks: Float32Array[] = [], labels: TileLabel[] = [];
  const total = annotated.reduce((sum, record) => {
    const { height, width } = scaledSize(record, scale);
    return sum + tilePositions(height, width, tile).length;
  }, 0);
  const encoder = options.engine === "onnx" ? await onnxFeatures(graphOf(model)) : null;
  let done = 0, leftOut = 0;
  try {
    for (const record of annotated) {
      signal?.throwIfAborted();
      const read = await readRgb(record.imagePath, { scale });
      const image = options.prepare ? options.prepare.apply(read) : read;
      const mask = resizeMask(await ensureMask(record), image.height, image.width);
      const tiles = tilePositions(image.height, image.width, tile).filter((corner) => {
        if (!showsTissue(read, corner, options)) return false;
        const cryptShare = countOnes(mask, corner.row, corner.column, tile) / (tile * tile);
        const crypt = cryptShare > 0 && cryptShare >= minCryptShare;
        const { id, split, donor } = record;
        labels.push({ image: id, split, ...corner, crypt, cryptShare, donor });
        return true;
      });
      const skipped = tilePositions(image.height, image.width, tile).length - tiles.length;
      leftOut += skipped;
      done += skipped;
      for (let from = 0; from < tiles.length; from += options.batchSize ?? 4) {
        signal?.throwIfAborted();
        const batch = tiles.slice(from, from + (options.batchSize ?? 4));
        chunks.push(await bottleneck(encoder ?? model, image, batch, options));
        done += batch.length;
        options.onProgress?.(done, total, record.id);
      }
    }
  } finally {
    await encoder?.dispose();
  }
  if (labels.length === 0) {
    throw new RangeError(`none of the ${total} tiles shows tissue by the rule that was given`);
  }
  return { ...joined(chunks, labels.length), labels, leftOut };
}

function graphOf(model: SegmentationModel): GraphModel {
  if ("encode" in model) return model as GraphModel;
  throw new RangeError('engine "onnx" needs a model of createModel or loadModel, got another one');
}

/** Judged before any stain normalization, so that the same tiles are left out with it and without. */
function showsTissue(
  image: RgbImage,
  { row, column }: TilePosition,
  { tile, tissue, maxPadding }: FeatureOptions,
): boolean {
  const height = Math.min(tile, image.height - row), width = Math.min(tile, image.width - column);
  if (maxPadding !== undefined && 1 - height * width / (tile * tile) > maxPadding) return false;
  if (!tissue) return true;
  const data = new Uint8Array(height * width * 3);
  for (let r = 0; r < height; r++) {
    const from = ((row + r) * image.width + column) * 3;
    data.set(image.data.subarray(from, from + width * 3), r * width * 3);
  }
  return judgeTissue({ data, height, width }, tissue).verdict === "tissue";
}

function joined(chunks: readonly Float32Array[], rows: number) {
  const size = chunks.reduce((sum, c) => sum + c.length, 0), values = new Float32Array(size);
  let at = 0;
  for (const chunk of chunks) {
    values.set(chunk, at);
    at += chunk.length;
  }
  return { values, rows, columns: size / rows };
}

function countOnes(mask: Mask, row: number, column: number, tile: number): number {
  const right = Math.min(column + tile, mask.width);
  let ones = 0;
  for (let r = row; r < Math.min(row + tile, mask.height); r++) {
    for (let c = column; c < right; c++) ones += mask.data[r * mask.width + c] ? 1 : 0;
  }
  return ones;
}
