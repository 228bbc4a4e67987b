/** What the settings of a profile may be. */
import { listAugmentations } from "../augment/mod.ts";
import { describeParameters } from "../model/mod.ts";
import { LOSSES } from "../tensor/mod.ts";
import { GROUPINGS, TARGETS } from "../training/mod.ts";
import type { Profile } from "./profile_settings.ts";

/** Whether data can be split into so many folds; more than a thousand are refused as a mistake. */
export function isFoldCount(value: number): boolean {
  return Number.isInteger(value) && value >= 2 && value <= 1000;
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
  foldCount: ["an integer from 2 to 1000", isFoldCount],
  overlap: ["in [0, 1)", (v) => v >= 0 && v < 1],
  threshold: ["in [0, 1)", (v) => v >= 0 && v < 1],
  interior: ["in [0, 1)", (v) => v >= 0 && v < 1],
  minProbability: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  vizTile: COUNT,
  perplexity: POSITIVE,
  vizCryptShare: ["in [0, 1]", (v) => v >= 0 && v <= 1],
  neighbours: ["an integer of at least 2", (v) => Number.isInteger(v) && v >= 2],
} as const satisfies Partial<Record<keyof Profile, Range>>;

/** @throws {RangeError} naming the profile, and a setting that is out of its range */
export function checkProfile(profile: Profile): void {
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
