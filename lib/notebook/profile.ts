/** Every setting of a run in one typed object. */
import type { ModelConfig } from "../model/mod.ts";

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
  /** Part of the names of the fold models, e.g. `unet_b2` in `unet_b2_fold0.safetensors`. */
  modelName: string;
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
  modelName: "unet_b2",
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
  modelName: "unet_b0_demo",
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
  modelName: "unet_b0_glas",
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
 * @throws {RangeError} naming an unknown profile or a setting out of its range
 */
export function chooseProfile(name?: string, overrides: Partial<Profile> = {}): Profile {
  const key = name ?? (Deno.env.get("CRYPTS_PROFILE") || "demo");
  const base = PROFILES[key];
  if (!base) {
    throw new RangeError(`no profile "${key}"; there are ${Object.keys(PROFILES).join(", ")}`);
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
} as const;

function checkProfile(profile: Profile): void {
  for (const [key, choices] of Object.entries(CHOICES)) {
    const value = profile[key as keyof typeof CHOICES];
    if (!(choices as readonly string[]).includes(value)) {
      throw new RangeError(
        `profile "${profile.name}": ${key} must be one of ${choices.join(", ")}, ` +
          `got ${JSON.stringify(value)}`,
      );
    }
  }
  const positive = [
    "scale",
    "patch",
    "stride",
    "learningRate",
    "batchSize",
    "epochs",
    "patience",
    "foldCount",
    "vizTile",
    "perplexity",
    "neighbours",
  ] as const;
  for (const key of positive) {
    if (!(profile[key] > 0)) {
      throw new RangeError(`profile "${profile.name}": ${key} must be > 0, got ${profile[key]}`);
    }
  }
  if (profile.scale > 1) {
    throw new RangeError(
      `profile "${profile.name}": scale must be in (0, 1], got ${profile.scale}`,
    );
  }
  if (!(profile.overlap >= 0 && profile.overlap < 1)) {
    throw new RangeError(
      `profile "${profile.name}": overlap must be in [0, 1), got ${profile.overlap}`,
    );
  }
  const wrong = profile.folds.find((f) =>
    !(Number.isInteger(f) && f >= 0 && f < profile.foldCount)
  );
  if (wrong !== undefined || profile.folds.length === 0) {
    throw new RangeError(
      `profile "${profile.name}": folds must be some of 0..${profile.foldCount - 1}, ` +
        `got [${profile.folds.join(", ")}]`,
    );
  }
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
