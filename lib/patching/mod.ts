/** Overlapping windows over an image, judged and written as training patches. */
export { parentImage } from "./patch_names.ts";
export { type Patch, readPatch, readTrainData } from "./patch_table.ts";
export { PatchExtractor, type PatchMode, type WindowPosition } from "./extractor.ts";
export { type PatchSummary } from "./patch_store.ts";
export { patchScale, preparePatches } from "./prepare.ts";
export { trainedPixelSize } from "./trained_at.ts";
export { judgeTissue, ORIGINAL_RULE, type TissueRule, type TissueVerdict } from "./tissue.ts";
