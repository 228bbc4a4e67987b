/** Ways to store pixels in a TIFF that sharp's libtiff does not decode, by name. */
import type { TiffDirectory } from "./tiff.ts";

/** TIFF's compression numbers. */
const NOT_DECODED: Record<number, string> = {
  ...{ 33003: "JPEG 2000", 33004: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000" },
  ...{ 22610: "JPEG XR", 34934: "JPEG XR", 50002: "JPEG XL", 52546: "JPEG XL" },
  ...{ 34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 34926: "Zstandard", 34933: "PNG" },
};

/** Why a directory's pixels cannot be read, as the end of a sentence; null when they can. */
export function tiffObstacle(directory: TiffDirectory): string | null {
  const { compression, planar, tiled, samples } = directory;
  const name = NOT_DECODED[compression];
  if (name) {
    return `is compressed with ${name} (TIFF compression ${compression}), which is not decoded ` +
      "here: save it with LZW, Deflate or JPEG";
  }
  if (planar && tiled && samples > 1) {
    return "stores each colour in tiles of its own (planar configuration 2), which is not decoded " +
      "here: save it with interleaved colours";
  }
  return null;
}
