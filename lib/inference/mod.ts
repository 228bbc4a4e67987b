/** The ensemble tile by tile, stitched, scored and reported (see `docs/inference.md`). */

export { type Band, predictBands, type PredictOptions } from "./bands.ts";
export { type BatchOptions, hashFiles, listBatch, runBatch } from "./batch.ts";
export { collectBatch, readStates } from "./collect.ts";
export { type DatasetOptions, type ImagePrediction, predictDataset } from "./dataset.ts";
export { type Ensemble, type EnsembleOptions, openEnsemble } from "./ensemble.ts";
export { cutProbability, type PredictedMaps, predictImage, predictMaps } from "./predict.ts";
export { checkEnsemble, modelPredictor, type TilePredictor } from "./predictor.ts";
export { writeDiceReport, writeEncodings, writeSubmission } from "./reports.ts";
export { type Segmented, segmentFile, type SegmentOptions } from "./segment.ts";
export type { TestTimeAugmentation } from "./tta.ts";
