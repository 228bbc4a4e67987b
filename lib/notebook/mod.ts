/** What a notebook shows, where its files lie, and what it needs from the notebooks before it. */
export { liveFigure, showHtml, showJpeg, showSvg, showTable, showText } from "./display.ts";
export {
  cutPatches,
  ensurePatches,
  foldGrouping,
  modelNameOf,
  openData,
  openEncoder,
  openFolds,
  trainOptions,
} from "./pipeline.ts";
export { checkSetting, chooseProfile, profileRows } from "./profile.ts";
export type { Profile } from "./profile_settings.ts";
export { PROFILES } from "./profiles.ts";
export { InterruptedError, interruptFile, interruptSignal } from "./interrupt.ts";
export { createProgress, formatSeconds, type Progress } from "./progress.ts";
export { createTrainingBar, type TrainingBar } from "./training_bar.ts";
export { BUILT_IN_DATA, openWorkspace, shortPath, type Workspace } from "./workspace.ts";
