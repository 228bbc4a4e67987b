/** Crypts as objects: found in masks, measured, matched with the truth, and handed to QuPath. */
export { type Crypt, type CryptOptions, cryptsOf, findCrypts } from "./objects/crypts.ts";
export { squaredDistance } from "./objects/distance.ts";
export { type Cause, explainFailures } from "./objects/causes.ts";
export { type CryptFate, cryptFates, type Fate } from "./objects/fates.ts";
export {
  type CryptFeature,
  cryptFeature,
  type GeoJsonOptions,
  writeFeatures,
  writeGeoJson,
} from "./objects/geojson.ts";
export { fillHoles } from "./objects/holes.ts";
export {
  bestPartner,
  hausdorff,
  type ObjectScores,
  overlapCrypts,
  type Overlaps,
  scoreObjects,
} from "./objects/match.ts";
export { type CryptMeasures, measureCrypt, perimeterOf } from "./objects/measure.ts";
export { labelRuns, RunCollector, type RunMask } from "./objects/runs.ts";
export { encodeRuns } from "./objects/runs_rle.ts";
export { splitTouching } from "./objects/split.ts";
export { type CryptRow, cryptRow, cryptsPerMm2, cryptTable } from "./objects/table.ts";
export { type ImageScores, scoreImage, scoreTable } from "./objects/scores.ts";
export { diceBySize, type SizeScore } from "./objects/sizes.ts";
export { diceByThreshold, type PixelErrors, pixelErrors } from "./objects/pixel_errors.ts";
