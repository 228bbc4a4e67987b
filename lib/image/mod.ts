/** Images and masks in memory, read and written through sharp. */

export { labBytesToRgb, labToRgb, rgbToLab, rgbToLabBytes } from "./cielab.ts";
export { IMAGENET_MEAN, IMAGENET_STD, normalizeRgb } from "./normalize.ts";
export {
  crop,
  cropMask,
  type LabelMask,
  type Mask,
  resizeMask,
  type RgbImage,
  scaledSize,
} from "./pixels.ts";
export { checkRgb, type ImageHeader, imageSize, probeImage, readMask, readRgb } from "./read.ts";
export { imageRegions, type RegionSource } from "./region_source.ts";
export { openRegions, RegionReader } from "./regions.ts";
export { resizeMap, RowResizer } from "./resize_map.ts";
export { type TiffLayout, TiffStream } from "./tiff_stream.ts";
export { encodePng, resizeRgb, writeMask, writeRgb } from "./write.ts";
