/** Every setting of a run in one typed object. */
import { describeParameters, type ModelConfig } from "../model/mod.ts";

/** All settings of the five notebooks. Lengths are in pixels of the scaled image. */
export interface Profile {
  name: string;
  /** The one seed: folds, augmentation, weights and embeddings follow from it. */
  seed: number;
  /** Images are resized by this factor first; 0.5 halves each side. */
  scale: number;
  /** Side of a training patch and of an inference tile. */
  patch: number;
  /** Distance between neighbouring training patches. */
  stride: number;
  /** How the border is patched: `"valid"` stays inside, `"mirror"` reflects. */
  patchMode: "valid" | "mirror";
  /** The channels by which a patch without crypt is judged to be an artefact. */
  tissueChannels: "red" | "all";
  model: ModelConfig;
  /**
   * Begins the names of the fold models, e.g. `unet_b2` in `unet_b2_fold0.safetensors`; null: it follows
   * from architecture, encoder, data set and scale, see `modelNameOf`.
   */
  modelName: string | null;
  /** `"original"` is the full composition, `"flips"` flips and quarter turns, `"none"` nothing. */
  augmentation: "original" | "flips" | "none";
  optimizer: "ranger" | "adam";
  learningRate: number;
  weightDecay: number;
  schedule: "constant" | "one-cycle" | "cosine" | "flat-cosine";
  /** The least weight of a batch in batch norm's running statistics; 0: the model's own. */
  statisticsMomentum: number;
  batchSize: number;
  epochs: number;
  /** Epochs without a better validation loss after which a fold stops. */
  patience: number;
  /** Number of folds, split by image. */
  foldCount: number;
  /** The folds that are trained; each is a model of the ensemble. */
  folds: number[];
  /** How images are tiled: `"original"` edge to edge, `"sliding"` with overlap and weights. */
  inferenceMode: "original" | "sliding";
  /** Overlap of sliding windows as a fraction of the tile. */
  overlap: number;
  /** Probabilities above it are crypt. */
  threshold: number;
  /** Side of a tile whose features are embedded. */
  vizTile: number;
  /** How a tile's last feature map becomes a vector: `"flatten"` or global `"average"`. */
  pool: "flatten" | "average";
  /** t-SNE's perplexity. */
  perplexity: number;
  /** UMAP's number of neighbours. */
  neighbours: number;
}

const paper: Profile = {
  name: "paper",
  seed: 0,
  scale: 1,
  patch: 512,
  stride: 256,
  patchMode: "valid",
  tissueChannels: "red",
  model: { architecture: "Unet", encoder: "efficientnet-b2", classes: 2 },
  modelName: null,
  augmentation: "original",
  optimizer: "ranger",
  learningRate: 1e-3,
  weightDecay: 1e-4,
  schedule: "constant",
  statisticsMomentum: 0,
  batchSize: 16,
  epochs: 25,
  patience: 5,
  foldCount: 5,
  folds: [0, 1, 2, 3, 4],
  inferenceMode: "original",
  overlap: 0.25,
  threshold: 0.5,
  vizTile: 512,
  pool: "flatten",
  perplexity: 50,
  neighbours: 15,
};

const demo: Profile = {
  ...paper,
  name: "demo",
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
  folds: [0, 1],
  vizTile: 64,
  pool: "average",
  perplexity: 20,
};

const glas: Profile = {
  ...demo,
  name: "glas",
  augmentation: "original",
  batchSize: 8,
  epochs: 12,
  patience: 4,
  folds: [0, 1],
  inferenceMode: "sliding",
};

const tiny: Profile = {
  ...demo,
  name: "tiny",
  modelName: "unet_b0_tiny",
  stride: 128,
  epochs: 1,
  folds: [0],
};

/**
 * The built-in profiles: `paper` has the original's values, `demo` finishes the built-in data set
 * in minutes without a GPU, `glas` suits small images like those of the GlaS challenge, and `tiny`
 * goes through the motions for tests.
 */
export const PROFILES: Readonly<Record<string, Profile>> = { paper, demo, glas, tiny };

/**
 * A profile by name, with single settings replaced.
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
  checkProfile(profile);
  return profile;
}

const CHOICES = {
  patchMode: ["valid", "mirror"],
  tissueChannels: ["red", "all"],
  augmentation: ["original", "flips", "none"],
  optimizer: ["ranger", "adam"],
  schedule: ["constant", "one-cycle", "cosine", "flat-cosine"],
  inferenceMode: ["original", "sliding"],
  pool: ["flatten", "average"],
} as const satisfies Partial<Record<keyof Profile, readonly string[]>>;

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
  statisticsMomentum: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  batchSize: COUNT,
  epochs: COUNT,
  patience: COUNT,
  foldCount: ["an integer of at least 2", (v) => Number.isInteger(v) && v >= 2],
  overlap: ["in [0, 1)", (v) => v >= 0 && v < 1],
  threshold: ["in [0, 1)", (v) => v >= 0 && v < 1],
  vizTile: COUNT,
  perplexity: POSITIVE,
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
    const known = (choices as readonly string[]).includes(value);
    need(key, value, known, `one of ${choices.join(", ")}`);
  }
  for (const [key, [words, fits]] of Object.entries(RANGES)) {
    const value = profile[key as keyof typeof RANGES];
    need(key, value, Number.isFinite(value) && fits(value), words);
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
