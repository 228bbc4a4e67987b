/** One decoded, augmented patch at a time: from memory where it fits, in this thread. */
import { applyMaybe, type Augmentation, type Sample } from "../augment/mod.ts";
import { readMask, readRgb } from "../image/mod.ts";
import { createRandom } from "../base/mod.ts";

/** What is wanted of a {@link SampleSource}: plain data, so that it can be sent to a worker. */
export interface SampleRequest {
  imagePath: string;
  maskPath: string;
  /** Names the stream of random numbers; null: no augmentation. */
  stream: string | null;
}

/** Where samples come from; requests may be answered in any order. */
export interface SampleSource {
  prepare(request: SampleRequest): Promise<Sample>;
  close(): void;
}

/**
 * A source in this thread. Decoded patches are kept until `cacheBytes` are used up; those that no
 * longer fit are decoded again each time.
 *
 * @param seed with a request's `stream` it decides every random choice
 */
export function localSource(
  augmentation: Augmentation | null,
  seed: number,
  cacheBytes: number,
): SampleSource {
  const cache = new Map<string, Promise<Sample>>();
  const random = createRandom(seed);
  let room = cacheBytes;
  return {
    async prepare({ imagePath, maskPath, stream }) {
      let found = cache.get(imagePath);
      if (!found) {
        found = decode(imagePath, maskPath);
        const { image, mask } = await found;
        const bytes = image.data.length + mask.data.length;
        if (bytes <= room && !cache.has(imagePath)) {
          room -= bytes;
          cache.set(imagePath, found);
        }
      }
      const sample = await found;
      if (!augmentation || stream === null) return sample;
      return applyMaybe(augmentation, sample, random.fork(stream));
    },
    close: () => cache.clear(),
  };
}

async function decode(imagePath: string, maskPath: string): Promise<Sample> {
  const image = await readRgb(imagePath);
  const mask = await readMask(maskPath, { height: image.height, width: image.width });
  return { image, mask };
}
