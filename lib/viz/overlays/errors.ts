/** Where a prediction is wrong, painted on the image. */
import type { Mask, RgbImage } from "../../image/mod.ts";

/** Crypt that was missed, in the truth alone: the truth's orange. */
export const MISSED_COLOUR = [255, 150, 0] as const;
/** Crypt that is spurious, in the prediction alone: the prediction's blue. */
export const SPURIOUS_COLOUR = [0, 80, 255] as const;

/**
 * Tints missed crypt (truth without prediction) orange and spurious crypt (prediction without
 * truth) blue on a paled grey copy of the image.
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
    const tint = p && !t ? SPURIOUS_COLOUR : t && !p ? MISSED_COLOUR : null;
    for (let c = 0; c < 3; c++) data[at + c] = tint ? tint[c] : grey;
  }
  return { data, height, width };
}
