/** Batches prepared ahead of the step that uses them, in an order that only the seed decides. */
import { normalizeRgb, type Preprocessing } from "../image/mod.ts";
import type { EpochOrder } from "./order.ts";
import type { Patch } from "../patching/mod.ts";
import type { SampleSource } from "./sample_source.ts";

/** Patches ready for a model. */
export interface Batch {
  patches: Patch[];
  /** [B,H,W,3], normalized. */
  images: Float32Array;
  /** [B,H,W], 0 or 1. */
  masks: Uint8Array;
  height: number;
  width: number;
}

/** How {@link feedBatches} works. */
export interface FeedOptions {
  /** The model's. */
  preprocessing: Preprocessing;
  /** Names the streams of random numbers, e.g. the epoch; null: no augmentation. */
  stream: string | null;
  /** How many batches are in preparation at most; default 2. Memory is bounded by it. */
  ahead?: number;
  /** Hears how many milliseconds the consumer of each batch has waited for it. */
  onWait?: (milliseconds: number) => void;
}

/**
 * The batches of an epoch. While one is in use the next ones are decoded and augmented.
 *
 * @throws {RangeError} naming the file of a patch whose size differs from the batch's first
 */
export async function* feedBatches(
  patches: readonly Patch[],
  order: EpochOrder,
  source: SampleSource,
  options: FeedOptions,
): AsyncGenerator<Batch> {
  const { preprocessing, stream, ahead = 2, onWait } = options;
  const started: Promise<Batch>[] = [];
  let position = 0;
  const start = (indices: number[]) => {
    const first = position;
    position += indices.length;
    const batch = prepareBatch(
      indices.map((i) => patches[i]),
      source,
      preprocessing,
      (i) => stream === null ? null : `${stream}, patch ${first + i}`,
    );
    // A batch nobody waits for any more (an earlier one failed) must not end the process.
    batch.catch(() => {});
    started.push(batch);
  };
  let next = 0;
  while (next < order.length && next < ahead) start(order[next++]);
  while (started.length > 0) {
    const before = performance.now();
    const batch = await started.shift()!;
    onWait?.(performance.now() - before);
    if (next < order.length) start(order[next++]);
    yield batch;
  }
}

async function prepareBatch(
  patches: Patch[],
  source: SampleSource,
  preprocessing: Preprocessing,
  streamOf: (index: number) => string | null,
): Promise<Batch> {
  const samples = await Promise.all(
    patches.map(({ imagePath, maskPath }, i) =>
      source.prepare({ imagePath, maskPath, stream: streamOf(i) })
    ),
  );
  const { height, width } = samples[0].image;
  const images = new Float32Array(samples.length * height * width * 3);
  const masks = new Uint8Array(samples.length * height * width);
  samples.forEach(({ image, mask }, i) => {
    if (image.height !== height || image.width !== width) {
      throw new RangeError(
        `${patches[i].imagePath} is ${image.height} x ${image.width}, ` +
          `but ${patches[0].imagePath} of its batch ${height} x ${width}`,
      );
    }
    normalizeRgb(image.data, preprocessing, images, i * height * width * 3);
    masks.set(mask.data, i * height * width);
  });
  return { patches, images, masks, height, width };
}
