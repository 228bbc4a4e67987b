/** Every setting of a run in one typed object. */
import type { ModelConfig } from "../model/mod.ts";
import type { LossName } from "../tensor/mod.ts";
import type { GroupBy, Target } from "../training/mod.ts";

/** All settings of the five notebooks. Lengths are in pixels of the scaled image. */
export interface Profile {
  name: string;
  /** The one seed: folds, augmentation, weights and embeddings follow from it. */
  seed: number;
  /** Images are resized by this factor first; 0.5 halves each side. */
  scale: number;
  /**
   * µm per pixel to which images are brought, whatever the scale that takes; null: `scale` for all.
   * Where no training image's pixel size is known all are resized by `scale`, and models say no pixel
   * size; where only some are known, training is refused.
   */
  pixelSize: number | null;
  /** Side of a training sample and of an inference tile. */
  patch: number;
  /**
   * Greatest side of the stored patches, from which samples of `patch` pixels are cropped anew in each
   * epoch; 0: no crops, patches are cut at `patch`.
   */
  cropFrom: number;
  /** Crops are enlarged or shrunk by up to this factor. */
  cropZoom: number;
  /** Crops are turned by up to this angle in degrees. */
  cropRotate: number;
  /** Distance between neighbouring training patches. */
  stride: number;
  /** How the border is patched: `"valid"` stays inside, `"mirror"` reflects, `"cover"` leaves no rest. */
  patchMode: "valid" | "mirror" | "cover";
  /** The channels by which a patch without crypt is judged to be an artefact. */
  tissueChannels: "red" | "all";
  model: ModelConfig;
  /** `"imagenet"`: the encoder starts from published weights; null: from random numbers. */
  encoderWeights: "imagenet" | null;
  /**
   * Weights of a whole model to start from: `"bundled"` (encoder lite0), `"bundled-lite2"` or a file.
   * They overrule `encoderWeights` and need a model of the same make; null: none.
   */
  initialWeights: string | null;
  /** What is predicted: `"crypt"` two classes, `"boundary"` three, so that touching crypts are told apart. */
  target: Target;
  /** Width in pixels of the boundary inside of a crypt (for `"boundary"`). */
  boundaryWidth: number;
  /** Greatest extra weight of pixels in narrow gaps between crypts (U-Net's w0); 0: none. */
  gapWeight: number;
  /** What is minimized. */
  loss: LossName;
  /**
   * Begins the names of the fold models, e.g. `unet_b2` in `unet_b2_fold0.safetensors`; null: it follows
   * from architecture, encoder, data set and scale, see `modelNameOf`.
   */
  modelName: string | null;
  /** A name that `createAugmentation` knows; `"original"` is the original's composition. */
  augmentation: string;
  optimizer: "ranger" | "adam" | "adamw";
  learningRate: number;
  weightDecay: number;
  schedule: "constant" | "one-cycle" | "cosine" | "flat-cosine";
  /** The least weight of a batch in batch norm's running statistics; 0: the model's own. */
  statisticsMomentum: number;
  /** Factor on the encoder's learning rate. */
  encoderLearningRate: number;
  /** Epochs at the beginning in which the encoder stays as it is. */
  frozenEncoderEpochs: number;
  /** `"frozen"`: the encoder's batch norms keep the statistics that they came with. */
  batchNorm: "train" | "frozen";
  /** Decay of the running mean of the weights that is validated and kept; 0: none. */
  weightAveraging: number;
  batchSize: number;
  /** Steps of an epoch; 0: each patch once. */
  epochSteps: number;
  epochs: number;
  /** Epochs without a better validation loss after which a fold stops. */
  patience: number;
  /** Whose weights are kept: the epoch's with the least validation loss, or the last one's. */
  keep: "best" | "last";
  /** Number of folds. */
  foldCount: number;
  /** `"auto"`: no patient is in two folds wherever patients are known and suffice; or by `"image"`. */
  groupBy: GroupBy;
  /** The folds that are trained; each is a model of the ensemble. */
  folds: number[];
  /** How images are tiled: `"original"` edge to edge, `"sliding"` with overlap and weights. */
  inferenceMode: "original" | "sliding";
  /** Overlap of sliding windows as a fraction of the tile. */
  overlap: number;
  /** Probabilities above it are crypt. */
  threshold: number;
  /** Crypts grow from where p(interior) - p(boundary) is at least this (boundary models). */
  interior: number;
  /** Crypts of a lower mean probability are left out; 0: none. The mask keeps all. */
  minProbability: number;
  /** The smallest crypt in µm²; null: the pipeline's default. The mask keeps all. */
  minAreaUm2: number | null;
  /** Side of a tile whose features are embedded. */
  vizTile: number;
  /** How a tile's last feature map becomes a vector: `"flatten"` or global `"average"`. */
  pool: "flatten" | "average";
  /** t-SNE's perplexity. */
  perplexity: number;
  /** UMAP's number of neighbours. */
  neighbours: number;
  /** t-SNE and MDS map train and test together; false: a map each, as the original. */
  jointMaps: boolean;
  /** PCA, t-SNE and MDS by the project's own code, or by ml-pca, tsne-js and druidjs. */
  mapImplementation: "own" | "package";
  /** Tiles that show no tissue or lie mostly beyond the image stay out of the feature space; false: all are in it. */
  tissueTiles: boolean;
  /** The least share of crypt, in [0, 1], that makes a tile one of class crypt; 0: any pixel does. */
  vizCryptShare: number;
}
