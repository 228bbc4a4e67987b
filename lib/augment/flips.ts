/** Flips and quarter turns: exact, without interpolation (albumentations 1.1). */
import type { Mask, RgbImage } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";
import { type Augmentation, checkProbability } from "./types.ts";

/** Where in the source the first pixel of the result lies, and how far the next ones are from it. */
interface Walk {
  start: number;
  nextColumn: number;
  nextRow: number;
  /** Whether height and width change places. */
  turned?: boolean;
}

/** `HorizontalFlip`: left and right change places; default p 0.5. */
export function horizontalFlip(probability = 0.5): Augmentation {
  return rearrangement("HorizontalFlip", probability, (_height, width) => ({
    start: width - 1,
    nextColumn: -1,
    nextRow: width,
  }));
}

/** `VerticalFlip`: top and bottom change places; default p 0.5. */
export function verticalFlip(probability = 0.5): Augmentation {
  return rearrangement("VerticalFlip", probability, (height, width) => ({
    start: (height - 1) * width,
    nextColumn: 1,
    nextRow: -width,
  }));
}

/**
 * `RandomRotate90`: 0 to 3 quarter turns counter-clockwise (as `numpy.rot90`), each as likely;
 * default p 0.5. Height and width change places with an odd number of turns.
 */
export function randomRotate90(probability = 0.5): Augmentation {
  return rearrangement("RandomRotate90", probability, (height, width, random) => {
    const last = height * width - 1;
    return [
      { start: 0, nextColumn: 1, nextRow: width },
      { start: width - 1, nextColumn: width, nextRow: -1, turned: true },
      { start: last, nextColumn: -1, nextRow: -width },
      { start: last - width + 1, nextColumn: -width, nextRow: 1, turned: true },
    ][random.int(4)];
  });
}

function rearrangement(
  name: string,
  probability: number,
  plan: (height: number, width: number, random: Random) => Walk,
): Augmentation {
  return {
    name,
    probability: checkProbability(name, probability),
    apply(sample, random) {
      const { image, mask } = sample;
      const { start, nextColumn, nextRow, turned } = plan(image.height, image.width, random);
      const height = turned ? image.width : image.height;
      const width = turned ? image.height : image.width;
      const moved: RgbImage = { data: new Uint8Array(image.data.length), height, width };
      const movedMask: Mask = { data: new Uint8Array(mask.data.length), height, width };
      for (let row = 0; row < height; row++) {
        const source = start + row * nextRow, pixel = row * width;
        if (nextColumn === 1) {
          movedMask.data.set(mask.data.subarray(source, source + width), pixel);
          moved.data.set(image.data.subarray(3 * source, 3 * (source + width)), 3 * pixel);
        } else {
          gather(mask.data, movedMask.data, source, nextColumn, pixel, width);
          gatherRgb(image.data, moved.data, source, nextColumn, pixel, width);
        }
      }
      return { image: moved, mask: movedMask };
    },
  };
}

function gather(
  from: Uint8Array,
  to: Uint8Array,
  source: number,
  step: number,
  pixel: number,
  count: number,
): void {
  for (let i = 0; i < count; i++, source += step) to[pixel + i] = from[source];
}

function gatherRgb(
  from: Uint8Array,
  to: Uint8Array,
  source: number,
  step: number,
  pixel: number,
  count: number,
): void {
  let i = 3 * source, o = 3 * pixel;
  for (const end = o + 3 * count; o < end; o += 3, i += 3 * step) {
    to[o] = from[i];
    to[o + 1] = from[i + 1];
    to[o + 2] = from[i + 2];
  }
}
