/** The ensemble tile by tile, stitched, scored and reported (see `docs/inference.md`). */
export { type Band, predictBands, type PredictOptions } from "./inference/bands.ts";
export { type DatasetOptions, type ImagePrediction, predictDataset } from "./inference/dataset.ts";
export { type Ensemble, type EnsembleOptions, openEnsemble } from "./inference/ensemble.ts";
export {
  cutProbability,
  type PredictedMaps,
  predictImage,
  predictMaps,
} from "./inference/predict.ts";
export { checkEnsemble, modelPredictor, type TilePredictor } from "./inference/predictor.ts";
export {
  type FileRegions,
  imageRegions,
  openRegions,
  type RegionSource,
} from "./inference/regions.ts";
export { writeDiceReport, writeEncodings, writeSubmission } from "./inference/reports.ts";
export { resizeMap, RowResizer } from "./inference/resize.ts";
export { type Segmented, segmentFile, type SegmentOptions } from "./inference/segment.ts";
export { type TiffLayout, TiffStream } from "./inference/tiff_stream.ts";
export type { TestTimeAugmentation } from "./inference/tta.ts";
export {
  disagreement,
  type ErrorCurve,
  ErrorCurveCollector,
  type ErrorStep,
  predictiveEntropy,
} from "./inference/uncertainty.ts";
export { type WindowOptions, windowStarts, windowWeights } from "./inference/windows.ts";
export { type TileScore, worstTiles } from "./inference/worst_tiles.ts";
