/** The encoder's features of every tile, and two-dimensional maps of them. */
export type { Embedding, EmbeddingMethod, EmbeddingQuality } from "./compute.ts";
export { type Matrix, pairDistances, planeDistances } from "./distances.ts";
export { embed, type EmbedOptions, METHODS } from "./embed.ts";
export { computeFeatures, type FeatureOptions } from "./features.ts";
export { decodeNpy, encodeNpy } from "./features/npy.ts";
export { cryptClasses, type FeatureTable, type TileLabel } from "./features/table.ts";
export { tileDice } from "./features/tile_dice.ts";
export { pca, pcaFromDistances } from "./pca.ts";
export {
  type ClassSeparation,
  classSeparation,
  type Label,
  rawStress,
  separability,
  trustworthiness,
} from "./quality.ts";
export { smacof } from "./smacof.ts";
export { divergence, jointProbabilities, tsne } from "./tsne.ts";
