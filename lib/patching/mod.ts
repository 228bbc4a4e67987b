/** Overlapping windows over an image, judged and written as training patches. */
export { parentImage, type Patch, readPatch, readTrainData } from "./patch_table.ts";
export { PatchExtractor, type PatchMode, type WindowPosition } from "./extractor.ts";
export { patchScale, type PatchSummary, preparePatches } from "./prepare.ts";
export { ORIGINAL_RULE } from "./tissue.ts";
