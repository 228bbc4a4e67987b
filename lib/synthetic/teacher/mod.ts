/** The generator as a teacher: endless fields of tissue, healthy and diseased, with their glands. */
export {
  type Feature,
  FEATURE_GROUPS,
  FEATURE_SOURCES,
  type FeatureGroup,
  type FeatureName,
  FEATURES,
  type Features,
} from "./features.ts";
export { teachingStream, type TeachingStreamOptions } from "./stream.ts";
export { drawTeaching, type TeachingOptions, type TeachingSample } from "./teaching.ts";
