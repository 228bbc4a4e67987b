/** Differentiable operations that backends may fuse, and the losses. */
export {
  ADAM_STEP,
  ADAM_STEPS,
  type AdamState,
  adamStep,
  type AdamStepAttrs,
  adamSteps,
  type AdamStepsAttrs,
  hasAdamSteps,
  hasFusedAdamStep,
} from "./adam_step.ts";
export { activate, batchNormTrain, type NormActivation } from "./batch_norm.ts";
export { blend } from "./blend.ts";
export { Fused, runFused } from "./fused.ts";
export {
  classDiceLoss,
  createLoss,
  crossEntropy,
  cryptDicePerSample,
  type Loss,
  LOSSES,
  type LossName,
  softDicePerSample,
  softDiceScore,
} from "./losses.ts";
export { convActivated } from "./conv_activated.ts";
export { relu6 } from "./relu6.ts";
export { nextStatistics } from "./running_statistics.ts";
export { channelScale, globalAverage, squeezeExcite } from "./squeeze_excite.ts";
export { upsampleConcat } from "./upsample_concat.ts";
export { swish } from "./swish.ts";
