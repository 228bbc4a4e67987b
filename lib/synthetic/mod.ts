/** Seeded, H&E-like colon mucosa: the built-in data set, and endless fields that teach. */
export { ensureBuiltIn, generateDataset, type GenerateOptions } from "./generate.ts";
export {
  drawTeaching,
  type Feature,
  FEATURE_GROUPS,
  FEATURE_SOURCES,
  type FeatureGroup,
  type FeatureName,
  FEATURES,
  type Features,
  type TeachingOptions,
  type TeachingSample,
  teachingStream,
  type TeachingStreamOptions,
} from "./teacher/mod.ts";
