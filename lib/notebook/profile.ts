/** Every setting of a run in one typed object. */
import { describeParameters, type ModelConfig } from "../model/mod.ts";
import { listAugmentations } from "../augment/mod.ts";
import { LOSSES, type LossName } from "../tensor/mod.ts";
import { type GroupBy, GROUPINGS, type Target, TARGETS } from "../training/mod.ts";

/** All settings of the five notebooks. Lengths are in pixels of the scaled image. */
export interface Profile {
  name: string;
  /** The one seed: folds, augmentation, weights and embeddings follow from it. */
  seed: number;
  /** Images are resized by this factor first; 0.5 halves each side. */
  scale: number;
  /**
   * µm per pixel to which images of known pixel size are brought, whatever the scale that takes; null:
   * `scale` for all. Images whose pixel size is not known are resized by `scale`.
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
   * Weights of a whole model to start from: `"bundled"` or a file. They overrule `encoderWeights` and
   * need a model of the same make; null: none.
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

const paper: Profile = {
  name: "paper",
  seed: 0,
  scale: 1,
  pixelSize: null,
  patch: 512,
  cropFrom: 0,
  cropZoom: 1,
  cropRotate: 0,
  stride: 256,
  patchMode: "valid",
  tissueChannels: "red",
  model: { architecture: "Unet", encoder: "efficientnet-b2", classes: 2 },
  encoderWeights: null,
  initialWeights: null,
  target: "crypt",
  boundaryWidth: 2,
  gapWeight: 0,
  loss: "cross-entropy",
  modelName: null,
  augmentation: "original",
  optimizer: "ranger",
  learningRate: 1e-3,
  weightDecay: 1e-4,
  schedule: "constant",
  statisticsMomentum: 0,
  encoderLearningRate: 1,
  frozenEncoderEpochs: 0,
  batchNorm: "train",
  weightAveraging: 0,
  batchSize: 16,
  epochSteps: 0,
  epochs: 25,
  patience: 5,
  keep: "best",
  foldCount: 5,
  groupBy: "image",
  folds: [0, 1, 2, 3, 4],
  inferenceMode: "original",
  overlap: 0.25,
  threshold: 0.5,
  interior: 0,
  minProbability: 0,
  minAreaUm2: null,
  vizTile: 512,
  pool: "flatten",
  perplexity: 50,
  neighbours: 15,
  jointMaps: false,
  mapImplementation: "own",
  tissueTiles: false,
  vizCryptShare: 0,
};

/** What the profiles for two CPU cores have in common. */
const small: Profile = {
  ...paper,
  scale: 0.5,
  patch: 128,
  stride: 64,
  model: {
    architecture: "Unet",
    encoder: "efficientnet-b0",
    classes: 2,
    decoderChannels: [64, 48, 32, 24, 16],
  },
  augmentation: "flips",
  learningRate: 1e-2,
  schedule: "flat-cosine",
  statisticsMomentum: 0.1,
  batchSize: 4,
  epochs: 6,
  patience: 3,
  groupBy: "auto",
  folds: [0, 1],
  vizTile: 64,
  pool: "average",
  perplexity: 20,
  jointMaps: true,
  tissueTiles: true,
  // Few tiles hold no crypt at all; half and half makes two classes of about one size.
  vizCryptShare: 0.5,
};

const demo: Profile = {
  ...small,
  name: "demo",
  // By all channels stroma is no artefact: without it no patch of the built-in data is background.
  tissueChannels: "all",
  model: {
    architecture: "Unet",
    encoder: "timm-tf_efficientnet_lite0",
    decoderChannels: [64, 48, 32, 24, 16],
  },
  encoderWeights: "imagenet",
  target: "boundary",
  boundaryWidth: 2,
  gapWeight: 4,
  loss: "cross-entropy+class-dice",
  optimizer: "adamw",
  learningRate: 3e-3,
  schedule: "one-cycle",
  weightAveraging: 0.95,
  batchSize: 8,
  epochSteps: 26,
  epochs: 4,
};

const glas: Profile = {
  ...small,
  name: "glas",
  pixelSize: 1.24,
  patch: 224,
  cropFrom: 448,
  stride: 224,
  patchMode: "cover",
  cropZoom: 1.25,
  cropRotate: 15,
  model: {
    architecture: "Unet",
    encoder: "timm-tf_efficientnet_lite0",
    decoderChannels: [64, 48, 32, 24, 16],
  },
  encoderWeights: "imagenet",
  initialWeights: "bundled",
  target: "boundary",
  boundaryWidth: 2,
  gapWeight: 4,
  loss: "cross-entropy+class-dice",
  augmentation: "tissue",
  optimizer: "adamw",
  learningRate: 2e-3,
  schedule: "one-cycle",
  weightAveraging: 0.98,
  batchSize: 8,
  epochSteps: 55,
  epochs: 10,
  patience: 10,
  keep: "best",
  folds: [0, 1, 2, 3, 4],
  inferenceMode: "sliding",
  threshold: 0.45,
  interior: 0.4,
  minProbability: 0.75,
  minAreaUm2: 400,
};

const tiny: Profile = {
  ...small,
  name: "tiny",
  modelName: "unet_b0_tiny",
  stride: 128,
  epochs: 1,
  folds: [0],
};

/**
 * The built-in profiles: `paper` has the original's values, `demo` finishes the built-in data set
 * in minutes without a GPU, `glas` is for real tissue (see `docs/training.md`), and `tiny` goes through the
 * motions for tests.
 */
export const PROFILES: Readonly<Record<string, Profile>> = { paper, demo, glas, tiny };

/**
 * A profile by name, with single settings replaced.
 *
 * A profile's `initialWeights` fit its own network: with another `model`, `target` or
 * `encoderWeights` training starts from `encoderWeights`, unless `initialWeights` are named too.
 *
 * @param name `"paper"`, `"demo"`, `"glas"` or `"tiny"`; default: the environment variable
 *   `CRYPTS_PROFILE`, else `"demo"`
 * @param overrides settings that replace the profile's, e.g. `{ epochs: 8 }`
 * @throws {RangeError} naming an unknown profile, an unknown setting or one out of its range
 */
export function chooseProfile(name?: string, overrides: Partial<Profile> = {}): Profile {
  const key = name ?? (Deno.env.get("CRYPTS_PROFILE") || "demo");
  const base = PROFILES[key];
  if (!base) {
    throw new RangeError(`no profile "${key}"; there are ${Object.keys(PROFILES).join(", ")}`);
  }
  const unknown = Object.keys(overrides).find((key) => !Object.hasOwn(paper, key));
  if (unknown !== undefined) {
    throw new RangeError(
      `a profile has no setting "${unknown}"; it has ${Object.keys(paper).join(", ")}`,
    );
  }
  const profile = { ...base, ...overrides };
  if (overrides.initialWeights === undefined && startsOtherwise(base, overrides)) {
    profile.initialWeights = null;
  }
  checkProfile(profile);
  return profile;
}

/** Whether `overrides` ask for another network than `base`'s or for an encoder's own start. */
function startsOtherwise(base: Profile, overrides: Partial<Profile>): boolean {
  if (overrides.encoderWeights !== undefined) return true;
  return (["model", "target"] as const).some((key) =>
    overrides[key] !== undefined && JSON.stringify(overrides[key]) !== JSON.stringify(base[key])
  );
}

const CHOICES = {
  patchMode: ["valid", "mirror", "cover"],
  tissueChannels: ["red", "all"],
  encoderWeights: ["imagenet", null],
  target: TARGETS,
  loss: LOSSES,
  augmentation: listAugmentations(),
  optimizer: ["ranger", "adam", "adamw"],
  batchNorm: ["train", "frozen"],
  keep: ["best", "last"],
  groupBy: GROUPINGS,
  schedule: ["constant", "one-cycle", "cosine", "flat-cosine"],
  inferenceMode: ["original", "sliding"],
  pool: ["flatten", "average"],
  mapImplementation: ["own", "package"],
} as const satisfies Partial<Record<keyof Profile, readonly (string | null)[]>>;

/** What a number must be, in words and as a test. */
type Range = readonly [words: string, fits: (value: number) => boolean];
const COUNT: Range = ["a positive integer", (v) => Number.isInteger(v) && v > 0];
const POSITIVE: Range = ["> 0", (v) => v > 0];

const RANGES = {
  seed: ["an integer", Number.isInteger],
  scale: ["in (0, 1]", (v) => v > 0 && v <= 1],
  patch: COUNT,
  stride: COUNT,
  learningRate: POSITIVE,
  weightDecay: [">= 0", (v) => v >= 0],
  boundaryWidth: [">= 1", (v) => v >= 1],
  gapWeight: [">= 0", (v) => v >= 0],
  cropZoom: ["in [1, 4]", (v) => v >= 1 && v <= 4],
  cropRotate: ["in [0, 180]", (v) => v >= 0 && v <= 180],
  encoderLearningRate: ["in (0, 10]", (v) => v > 0 && v <= 10],
  frozenEncoderEpochs: ["an integer >= 0", (v) => Number.isInteger(v) && v >= 0],
  weightAveraging: ["in [0, 1)", (v) => v >= 0 && v < 1],
  epochSteps: ["an integer >= 0", (v) => Number.isInteger(v) && v >= 0],
  statisticsMomentum: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  batchSize: COUNT,
  epochs: COUNT,
  patience: COUNT,
  foldCount: ["an integer of at least 2", (v) => Number.isInteger(v) && v >= 2],
  overlap: ["in [0, 1)", (v) => v >= 0 && v < 1],
  threshold: ["in [0, 1)", (v) => v >= 0 && v < 1],
  interior: ["in [0, 1)", (v) => v >= 0 && v < 1],
  minProbability: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  vizTile: COUNT,
  perplexity: POSITIVE,
  vizCryptShare: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  neighbours: ["an integer of at least 2", (v) => Number.isInteger(v) && v >= 2],
} as const satisfies Partial<Record<keyof Profile, Range>>;

function checkProfile(profile: Profile): void {
  const need = (key: string, value: unknown, fits: boolean, what: string) => {
    if (fits) return;
    const text = typeof value === "number" ? String(value) : JSON.stringify(value);
    throw new RangeError(`profile "${profile.name}": ${key} must be ${what}, got ${text}`);
  };
  for (const [key, choices] of Object.entries(CHOICES)) {
    const value = profile[key as keyof typeof CHOICES];
    const known = (choices as readonly (string | null)[]).includes(value);
    need(key, value, known, `one of ${choices.map(String).join(", ")}`);
  }
  for (const [key, [words, fits]] of Object.entries(RANGES)) {
    const value = profile[key as keyof typeof RANGES];
    need(key, value, Number.isFinite(value) && fits(value), words);
  }
  const { cropFrom, patch, pixelSize, patchMode } = profile;
  need("pixelSize", pixelSize, pixelSize === null || pixelSize > 0, "> 0 (µm) or null");
  const room = cropFrom === 0 || (Number.isInteger(cropFrom) && cropFrom >= patch);
  need("cropFrom", cropFrom, room, `0 or an integer of at least patch (${patch})`);
  const sized = patchMode !== "cover" || cropFrom > 0;
  need(
    "patchMode",
    patchMode,
    sized,
    '"valid" or "mirror" without cropFrom: patches differ in size',
  );
  for (const key of ["jointMaps", "tissueTiles"] as const) {
    need(key, profile[key], typeof profile[key] === "boolean", "true or false");
  }
  const { folds, foldCount, modelName, name } = profile;
  const distinct = Array.isArray(folds) && folds.length > 0 && new Set(folds).size === folds.length;
  const within = distinct && folds.every((f) => Number.isInteger(f) && f >= 0 && f < foldCount);
  need("folds", folds, within, `some of 0..${foldCount - 1}, each once`);
  const named = modelName === null ||
    (typeof modelName === "string" && /^[\w.+-]+$/.test(modelName));
  need("modelName", modelName, named, "null or letters, digits or _.+-");
  need("name", name, typeof name === "string" && name !== "", "a text");
  checkModel(profile, need);
}

/** The network can be built, and its tiles have sides that it can halve. */
function checkModel(
  { model, patch, vizTile }: Profile,
  need: (key: string, value: unknown, fits: boolean, what: string) => void,
): void {
  need("model", model, typeof model === "object" && model !== null, "a configuration");
  try {
    describeParameters(model);
  } catch (error) {
    need("model", model, false, `one that can be built (${(error as Error).message})`);
  }
  const multiple = 2 ** (model.encoderDepth ?? 5);
  const what = `a multiple of ${multiple}, as the model needs it`;
  need("patch", patch, patch % multiple === 0, what);
  need("vizTile", vizTile, vizTile % multiple === 0, what);
}

/** The settings as rows for a table, the ones that differ from `paper` marked. */
export function profileRows(
  profile: Profile,
): { setting: string; value: string; "paper's": string }[] {
  const text = (value: unknown) =>
    typeof value === "object" ? JSON.stringify(value) : String(value);
  return (Object.keys(profile) as (keyof Profile)[]).map((key) => ({
    setting: key,
    value: text(profile[key]),
    "paper's": text(profile[key]) === text(paper[key]) ? "same" : text(paper[key]),
  }));
}
