/** Images that are read by regions, so that memory follows the region and not the image. */
import { crop, type RgbImage } from "./pixels.ts";

export { openRegions, type RegionReader as FileRegions } from "./regions.ts";

/** An image of which parts can be read. */
export interface RegionSource {
  readonly height: number;
  readonly width: number;
  /** Reads a region that lies inside of the image. */
  read(top: number, left: number, height: number, width: number): Promise<RgbImage>;
}

/** An image in memory as a source; full-width regions are not copied. */
export function imageRegions(image: RgbImage): RegionSource {
  const { data, height, width } = image;
  return {
    height,
    width,
    read(top, left, h, w) {
      if (left !== 0 || w !== width) return Promise.resolve(crop(image, top, left, h, w));
      const rows = data.subarray(top * width * 3, (top + h) * width * 3);
      return Promise.resolve({ data: rows, height: h, width });
    },
  };
}
