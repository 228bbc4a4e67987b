/** From which size on an object counts as a crypt, unless somebody says otherwise. */

/**
 * µm²: a disc of 16 µm, less than two nuclei across. Of the 769 glands annotated in the GlaS images 99%
 * are larger, those cut off at the images' borders included.
 */
export const SMALLEST_CRYPT_UM2 = 200;

/** Pixels, where nothing is known of their size: {@link SMALLEST_CRYPT_UM2} at 0.63 µm per pixel (20x). */
export const SMALLEST_CRYPT_PIXELS = 500;

/**
 * The smallest crypt in pixels of an image: the one default of notebooks, commands and batches.
 *
 * @param pixelSize µm per pixel; null where it is unknown, which gives {@link SMALLEST_CRYPT_PIXELS}
 * @param area in µm²; default {@link SMALLEST_CRYPT_UM2}
 * @throws {RangeError} when the pixel size is not positive or the area is negative
 * @example
 * ```ts
 * import { smallestCrypt } from "crypts/crypts";
 * console.log(smallestCrypt(0.5), smallestCrypt(null)); // 800 500
 * ```
 */
export function smallestCrypt(pixelSize: number | null, area: number = SMALLEST_CRYPT_UM2): number {
  if (!(area >= 0 && area < Infinity)) {
    throw new RangeError(`the smallest crypt must be a number of µm² >= 0, got ${area}`);
  }
  if (pixelSize === null) return SMALLEST_CRYPT_PIXELS;
  if (!(pixelSize > 0 && pixelSize < Infinity)) {
    throw new RangeError(`pixelSize must be > 0 µm, got ${pixelSize}`);
  }
  return Math.round(area / pixelSize ** 2);
}
