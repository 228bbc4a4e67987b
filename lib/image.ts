/** Images and masks in memory, read and written through sharp. */

/** An 8-bit RGB image, row-major, interleaved: `data[(row * width + column) * 3 + channel]`. */
export interface RgbImage {
  data: Uint8Array;
  height: number;
  width: number;
}

/** A binary mask, row-major: 0 is background, 1 is crypt. */
export interface Mask {
  data: Uint8Array;
  height: number;
  width: number;
}
