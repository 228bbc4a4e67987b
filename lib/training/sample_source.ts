/** One decoded, cropped, augmented patch at a time: from memory where it fits, in this thread. */
import {
  applyMaybe,
  type Augmentation,
  randomCrop,
  type RandomCropOptions,
  type Sample,
} from "../augment/mod.ts";
import { readGreyValues, readMask, readRgb } from "../image/mod.ts";
import { createRandom } from "../base/mod.ts";
import { needsLabels, targetMaps, type TargetOptions } from "./targets.ts";

/** What is wanted of a {@link SampleSource}: plain data, so that it can be sent to a worker. */
export interface SampleRequest {
  imagePath: string;
  maskPath: string;
  /** Names the stream of random numbers; null: no augmentation. */
  stream: string | null;
}

/** A sample whose mask holds the classes that the network is to predict. */
export interface TargetSample extends Sample {
  /** Weight of each pixel; null where all weigh the same. */
  weights: Float32Array | null;
}

/** Where samples come from; requests may be answered in any order. */
export interface SampleSource {
  prepare(request: SampleRequest): Promise<TargetSample>;
  close(): void;
}

/** What a source does beside augmentation: plain data, so that it can be sent to a worker. */
export interface SampleSettings {
  /** Default: two classes. */
  target?: TargetOptions;
  /** Where an augmented sample is cut from its patch; default: the whole patch. */
  crop?: RandomCropOptions;
}

/**
 * A source in this thread. Decoded patches are kept until `cacheBytes` are used up; those that no
 * longer fit are decoded again each time.
 *
 * Classes and weights are computed from the mask after it was cropped and augmented, so that a
 * boundary is as wide on a crypt that was enlarged.
 *
 * @param seed with a request's `stream` it decides every random choice
 */
export function localSource(
  augmentation: Augmentation | null,
  seed: number,
  cacheBytes: number,
  settings: SampleSettings = {},
): SampleSource {
  const { target = { target: "crypt" } } = settings;
  const crop = settings.crop ? randomCrop(settings.crop) : null;
  const labels = needsLabels(target);
  const cache = new Map<string, Promise<Sample>>();
  const random = createRandom(seed);
  let room = cacheBytes;
  return {
    async prepare({ imagePath, maskPath, stream }) {
      let found = cache.get(imagePath);
      if (!found) {
        found = decode(imagePath, maskPath, labels);
        const { image, mask } = await found;
        const bytes = image.data.length + mask.data.length;
        if (bytes <= room && !cache.has(imagePath)) {
          room -= bytes;
          cache.set(imagePath, found);
        }
      }
      let sample = await found;
      if (stream !== null) {
        // A stream of its own: other crops leave the augmentation's numbers as they were.
        if (crop) sample = crop.apply(sample, random.fork(`${stream}, crop`));
        if (augmentation) sample = applyMaybe(augmentation, sample, random.fork(stream));
      }
      if (!labels) return { ...sample, weights: null };
      const { classes, weights } = targetMaps(sample.mask, target);
      return { image: sample.image, mask: { ...sample.mask, data: classes }, weights };
    },
    close: () => cache.clear(),
  };
}

async function decode(imagePath: string, maskPath: string, labels: boolean): Promise<Sample> {
  const image = await readRgb(imagePath);
  const size = { height: image.height, width: image.width };
  return { image, mask: await (labels ? readGreyValues : readMask)(maskPath, size) };
}
