/** Stains apart: optical density, haematoxylin, Otsu's threshold, Macenko's normalization. */
export { mapDensities, RUIFROK, sandwich, stainBasis, type StainVectors } from "./density.ts";
export { haematoxylin, otsuMask } from "./haematoxylin.ts";
export { estimateStain, MACENKO_REFERENCE, normalizeStain, type Stain } from "./macenko.ts";
