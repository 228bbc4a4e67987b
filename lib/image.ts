/** Images and masks in memory, read and written through sharp. */
export {
  crop,
  cropMask,
  type Mask,
  resizeMask,
  type RgbImage,
  scaledSize,
} from "./image/pixels.ts";
export {
  checkRgb,
  type ImageHeader,
  imageSize,
  probeImage,
  readMask,
  readRgb,
} from "./image/read.ts";
export { encodePng, resizeRgb, writeMask, writeRgb } from "./image/write.ts";
