/** Windows that show nothing but glass. */
import type { RgbImage } from "../image/mod.ts";

/** A pixel is no glass where some channel is darker than this; scanners give glass as 235 to 250. */
export const GLASS_LEVEL = 215;

/**
 * Whether a window shows glass alone: no pixel of it is darker than {@link GLASS_LEVEL} in any channel.
 * Conservative on purpose: one nucleus, or one grain of dust, is enough for a "no".
 *
 * @param band rows of an image; the window has all of them
 * @param left first column of the window; what lies beyond the image is glass
 */
export function isGlass(band: RgbImage, left: number, side: number): boolean {
  const { data, height, width } = band, right = Math.min(width, left + side);
  for (let y = 0; y < height; y++) {
    const end = (y * width + right) * 3;
    for (let i = (y * width + left) * 3; i < end; i++) if (data[i] < GLASS_LEVEL) return false;
  }
  return true;
}
