/** Ranger and Adam: optimizers, learning rate schedules, and their paths. */
export { Adam } from "./adam.ts";
export { AdaptiveOptimizer, type OptimizerState, type RateFactor } from "./adaptive_optimizer.ts";
export {
  lateHeight,
  type OptimizerPath,
  optimizerPaths,
  valley,
  VALLEY_FLOOR,
  type WalkOptions,
} from "./optimizer_paths.ts";
export { Ranger } from "./ranger.ts";
export { createSchedule, type ScheduleSpec } from "./schedule.ts";
