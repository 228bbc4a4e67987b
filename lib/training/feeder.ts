/** Batches prepared ahead of the step that uses them, in an order that only the seed decides. */
import { normalizeRgb, type Preprocessing } from "../image/mod.ts";
import { mirroredToMultiple } from "./padding.ts";
import type { EpochOrder } from "./order.ts";
import type { Patch } from "../patching/mod.ts";
import type { SampleSource } from "./sample_source.ts";

/** Patches ready for a model. */
export interface Batch {
  patches: Patch[];
  /** [B,H,W,3], normalized. */
  images: Float32Array;
  /** [B,h,w], classes: 0 background, 1 crypt, further ones as the target has them. */
  masks: Uint8Array;
  /** [B,h,w], at least 1; null where all pixels weigh the same. */
  weights: Float32Array | null;
  /** H and W, sides of the images. */
  height: number;
  width: number;
  /** h and w, sides of the masks: the images' top left part that is no padding. */
  valid: { height: number; width: number };
}

/** How {@link feedBatches} works. */
export interface FeedOptions {
  /** The model's. */
  preprocessing: Preprocessing;
  /** Names the streams of random numbers, e.g. the epoch; null: no augmentation. */
  stream: string | null;
  /** Images are mirrored on the right and at the bottom to multiples of it; default 1: as they are. */
  sideMultiple?: number;
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
  const { preprocessing, stream, sideMultiple = 1, ahead = 2, onWait } = options;
  const started: Promise<Batch>[] = [];
  let position = 0;
  const start = (indices: number[]) => {
    const first = position;
    position += indices.length;
    const batch = prepareBatch(
      indices.map((i) => patches[i]),
      source,
      preprocessing,
      sideMultiple,
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
  sideMultiple: number,
  streamOf: (index: number) => string | null,
): Promise<Batch> {
  const samples = await Promise.all(
    patches.map(({ imagePath, maskPath }, i) =>
      source.prepare({ imagePath, maskPath, stream: streamOf(i) })
    ),
  );
  const valid = { height: samples[0].image.height, width: samples[0].image.width };
  const pixels = valid.height * valid.width;
  const { height, width } = mirroredToMultiple(samples[0].image, sideMultiple);
  const images = new Float32Array(samples.length * height * width * 3);
  const masks = new Uint8Array(samples.length * pixels);
  const weights = samples[0].weights && new Float32Array(samples.length * pixels);
  samples.forEach(({ image, mask, weights: own }, i) => {
    if (image.height !== valid.height || image.width !== valid.width) {
      throw new RangeError(
        `${patches[i].imagePath} is ${image.height} x ${image.width}, ` +
          `but ${patches[0].imagePath} of its batch ${valid.height} x ${valid.width}`,
      );
    }
    const { data } = mirroredToMultiple(image, sideMultiple);
    normalizeRgb(data, preprocessing, images, i * height * width * 3);
    masks.set(mask.data, i * pixels);
    if (weights && own) weights.set(own, i * pixels);
  });
  return { patches, images, masks, weights, height, width, valid };
}
