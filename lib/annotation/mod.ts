/** What a pathologist drew, and masks: encodings, polygons, outlines, components, overlap. */
export { type Colour, drawContours, type LineOptions, traceContours } from "./contours.ts";
export { squaredDistance } from "./distance.ts";
export {
  type AnnotationFeature,
  type PolygonOptions,
  readPolygons,
  toFeature,
  writeFeatures,
} from "./geojson.ts";
export { fillHoles } from "./holes.ts";
export {
  countOverlap,
  diceOf,
  diceScore,
  iou,
  type Overlap,
  precision,
  recall,
} from "./metrics.ts";
export { maskToPolygons, polygonsToLabels, polygonsToMask } from "./polygons.ts";
export { decodeRle, EMPTY_RLE, encodeRle, isEmptyRle } from "./rle.ts";
export { labelRuns, RunCollector, type RunMask } from "../image/mod.ts";
export { encodeRuns } from "./runs_rle.ts";
