/** The encoder's features of every tile, and two-dimensional maps of them. */
export { type Matrix, pairDistances, planeDistances } from "./distances.ts";
export { embed, type EmbedOptions, METHODS } from "./embed.ts";
export { computeFeatures, type FeatureOptions } from "./features.ts";
export { decodeNpy, encodeNpy } from "./features/npy.ts";
export { cryptClasses, type FeatureTable, type TileLabel } from "./features/table.ts";
export { tileDice } from "./features/tile_dice.ts";
export type { Embedding, EmbeddingMethod, EmbeddingQuality } from "./job.ts";
export { landmarkMds } from "./landmark_mds.ts";
export { EXACT_ROWS } from "./large.ts";
export { neighbourTsne } from "./neighbour_tsne.ts";
export { pca, pcaFromDistances } from "./pca.ts";
export {
  type ClassSeparation,
  classSeparation,
  type Label,
  rawStress,
  separability,
  trustworthiness,
} from "./quality.ts";
export { type Neighbours, RowDistances } from "./rows.ts";
export { sampledQuality } from "./sampled_quality.ts";
export { smacof } from "./smacof.ts";
export { divergence, jointProbabilities, tsne } from "./tsne.ts";
