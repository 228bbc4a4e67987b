/** Where a prediction is wrong, painted on the image. */
import type { Mask, RgbImage } from "../../image/mod.ts";

/** Crypt that was missed: vermilion. */
export const MISSED_COLOUR = [213, 50, 0] as const;
/** Crypt that was invented: blue. */
export const INVENTED_COLOUR = [0, 114, 178] as const;

/**
 * Tints missed crypt (truth without prediction) red and invented crypt (prediction without truth)
 * blue on a paled grey copy of the image.
 *
 * @throws {RangeError} when image and masks differ in size
 */
export function errorMap(image: RgbImage, predicted: Mask, truth: Mask): RgbImage {
  const { height, width } = image;
  for (const [name, mask] of [["prediction", predicted], ["truth", truth]] as const) {
    if (mask.height !== height || mask.width !== width) {
      throw new RangeError(
        `image of ${height} x ${width} (height x width) and ${name} of ` +
          `${mask.height} x ${mask.width} must have the same size`,
      );
    }
  }
  const data = new Uint8Array(image.data.length);
  for (let i = 0, at = 0; i < predicted.data.length; i++, at += 3) {
    const p = predicted.data[i], t = truth.data[i];
    const grey = 110 + 0.56 * (image.data[at] + image.data[at + 1] + image.data[at + 2]) / 3;
    const tint = p && !t ? INVENTED_COLOUR : t && !p ? MISSED_COLOUR : null;
    for (let c = 0; c < 3; c++) data[at + c] = tint ? tint[c] : grey;
  }
  return { data, height, width };
}
