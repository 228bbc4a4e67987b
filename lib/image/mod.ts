/** Images and masks in memory, read and written through sharp. */

export { type Border, within } from "./border.ts";
export { labBytesToRgb, labToRgb, rgbToLab, rgbToLabBytes } from "./cielab.ts";
export { readGreyValues, writeGreyValues } from "./grey_values.ts";
export { labelComponents } from "./components.ts";
export { readLabels } from "./labels.ts";
export { noticeShare } from "./mask_rule.ts";
export { implausible, nonSquare, parsePixelSize, type PixelSizes } from "./pixel_size.ts";
export {
  CENTERED,
  checkPreprocessing,
  IMAGENET,
  IMAGENET_MEAN,
  IMAGENET_STD,
  normalizeRgb,
  type Preprocessing,
} from "./normalize.ts";
export {
  crop,
  cropLabels,
  cropMask,
  type LabelMask,
  type Mask,
  resizeLabels,
  resizeMask,
  type RgbImage,
  scaledSize,
} from "./pixels.ts";
export { type ImageHeader, imageSize, probeImage } from "./probe.ts";
export { readMask, readRgb } from "./read.ts";
export { imageRegions, type RegionSource } from "./region_source.ts";
export { openRegions, RegionReader } from "./regions.ts";
export { resizeMap, RowResizer } from "./resize_map.ts";
export { labelRuns, RunCollector, type RunMask } from "./runs.ts";
export { type SlideLayout, SlideWriter } from "./slide_writer.ts";
export { type TiffLayout, TiffStream } from "./tiff_stream.ts";
export { encodePng, resizeRgb, writeLabels, writeMask, writeRgb } from "./write.ts";
