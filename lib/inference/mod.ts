/** The ensemble tile by tile, stitched, scored and reported (see `docs/inference.md`). */

export { type Band, predictBands, type PredictOptions } from "./bands.ts";
export { type BatchOptions, checkBatch, modelsDigest, runBatch } from "./batch.ts";
export { checkAlike, checkTruths } from "./alike.ts";
export { type BatchImage, listBatch } from "./batch_list.ts";
export { checkOutputs, leftoverIds } from "./batch_outputs.ts";
export { type BatchState, readRecords, readStates } from "./batch_state.ts";
export { collectBatch } from "./collect.ts";
export {
  DECISION_GRID,
  type DecisionGrid,
  type DecisionScores,
  DecisionSearch,
  type JudgedDecision,
  type UnseenMaps,
} from "./choose_decision.ts";
export { checkEngine, type Engine, type EngineOptions, ENGINES } from "./engine.ts";
export { type DatasetOptions, type ImagePrediction, predictDataset } from "./dataset.ts";
export { type Ensemble, type EnsembleOptions, openEnsemble } from "./ensemble.ts";
export { assumptions, type ModelNotes } from "./model_notes.ts";
export { type OpenedImage, openImage, type OpenOptions } from "./open_image.ts";
export {
  classesOf,
  type Segmentation,
  type SegmentedBand,
  type SegmentHooks,
  segmentImage,
} from "./pipeline.ts";
export { cutProbability, type PredictedMaps, predictImage, predictMaps } from "./predict.ts";
export { checkEnsemble, modelPredictor, type TilePredictor } from "./predictor.ts";
export { writeDiceReport, writeEncodings, writeSubmission } from "./reports.ts";
export { cryptSaliency, type SaliencyOptions } from "./saliency.ts";
export { chooseScale, type ScaleOptions } from "./scale.ts";
export { type Segmented, segmentFile, type SegmentInput, type SegmentOptions } from "./segment.ts";
export {
  checkSettings,
  type CryptSettings,
  LARGEST_TILE,
  type SegmentSettings,
} from "./settings.ts";
export {
  type StainRange,
  tissueDensity,
  type Trust,
  TrustCollector,
  type TrustReference,
} from "./trust.ts";
export type { TestTimeAugmentation } from "./tta.ts";
