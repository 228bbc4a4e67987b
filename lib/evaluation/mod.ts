/** How well predictions fit the truth, by pixel and by crypt, where they fail and why. */
export type { BootstrapOptions } from "./bootstrap.ts";
export { diceBySize, type SizeScore } from "./dice_by_size.ts";
export { type FailureProperty, rankFailureProperties } from "./error_analysis.ts";
export {
  bestPartner,
  hausdorff,
  type ObjectScores,
  overlapCrypts,
  type Overlaps,
  scoreObjects,
  type SideSums,
} from "./match.ts";
export { type CryptOutcome, cryptOutcomes, type Outcome } from "./outcomes.ts";
export { type Difference, pairedDifferences } from "./paired.ts";
export { diceByThreshold, type PixelErrors, pixelErrors } from "./pixel_errors.ts";
export {
  confidenceIntervals,
  type PoolableScores,
  POOLED_SCORES,
  type PooledScore,
  type PooledScores,
  pooledTable,
  poolScores,
} from "./pooled.ts";
export {
  type Calibration,
  type CalibrationStep,
  type PrecisionRecall,
  ProbabilityCurves,
} from "./probability_curves.ts";
export { type ImageScores, scoreCrypts, scoreImage, scoreTable } from "./scores.ts";
export {
  disagreement,
  type ErrorCurve,
  ErrorCurveCollector,
  type ErrorStep,
  predictiveEntropy,
} from "./uncertainty.ts";
export { type TileScore, worstTiles } from "./worst_tiles.ts";
