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
import { drawTeaching, type TeachingOptions } from "../synthetic/mod.ts";
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
  /** Samples are drawn instead of read: `imagePath` is the index of a teaching drawing. */
  drawings?: Drawings;
}

/** A series of teaching drawings, see `drawTeaching`. */
export interface Drawings extends TeachingOptions {
  /** The seed of the series. */
  series: number;
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
  const { target = { target: "crypt" }, drawings } = settings;
  const crop = settings.crop ? randomCrop(settings.crop) : null;
  const labels = needsLabels(target);
  const cache = new Map<string, Promise<Sample>>();
  const random = createRandom(seed);
  let room = cacheBytes;
  return {
    async prepare({ imagePath, maskPath, stream }) {
      let found = cache.get(imagePath);
      if (!found) {
        found = drawings
          ? Promise.resolve(draw(imagePath, drawings))
          : decode(imagePath, maskPath, labels);
        const bytes = bytesOf(await found);
        // Files come again in every epoch, in any order; drawings come a few times, then never more.
        for (const [old, sample] of drawings && bytes > room ? cache : []) {
          cache.delete(old);
          room += bytesOf(await sample);
          if (bytes <= room) break;
        }
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

const bytesOf = ({ image, mask }: Sample) => image.data.length + mask.data.length;

function draw(index: string, { series, ...options }: Drawings): Sample {
  const { image, labels } = drawTeaching(series, Number(index), options);
  // Samples hold bytes; more glands than that share values with others far away.
  return { image, mask: { ...labels, data: Uint8Array.from(labels.data, toByte) } };
}

/** 0 stays 0, others become 1 to 255. */
function toByte(label: number): number {
  return label === 0 ? 0 : (label - 1) % 255 + 1;
}

async function decode(imagePath: string, maskPath: string, labels: boolean): Promise<Sample> {
  const image = await readRgb(imagePath);
  const size = { height: image.height, width: image.width };
  const mask = labels
    ? await readGreyValues(maskPath, size)
    : await readMask(maskPath, { ...size, patch: true });
  return { image, mask };
}
