/** Transforms of colours: they leave the mask as it is. */
import type { RgbImage } from "../image/mod.ts";
import type { Random } from "../base/mod.ts";
import { type Augmentation, checkProbability } from "./types.ts";

/** An augmentation that changes the image and passes the mask on (shared, not copied). */
export function imageOnly(
  name: string,
  probability: number,
  change: (image: RgbImage, random: Random) => RgbImage,
): Augmentation {
  return {
    name,
    probability: checkProbability(name, probability),
    apply: ({ image, mask }, random) => ({ image: change(image, random), mask }),
  };
}

/** Every byte replaced by its entry in `table` (256 bytes). */
export function lookUp(image: RgbImage, table: Uint8Array): RgbImage {
  const { data, height, width } = image, out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = table[data[i]];
  return { data: out, height, width };
}
