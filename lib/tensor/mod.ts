/** Differentiable operations that backends may fuse, and the losses. */
export { ADAM_STEP, adamStep, type AdamStepAttrs, hasFusedAdamStep } from "./adam_step.ts";
export { batchNormTrain, type NormActivation } from "./batch_norm.ts";
export { Fused, runFused } from "./fused.ts";
export {
  createLoss,
  crossEntropy,
  type Loss,
  LOSSES,
  type LossName,
  softDicePerSample,
  softDiceScore,
} from "./losses.ts";
export { channelScale, globalAverage } from "./squeeze_excite.ts";
export { swish } from "./swish.ts";
