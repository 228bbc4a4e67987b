/** The models that come with the project, see `models/README.md`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "../base/mod.ts";

const bundled = (name: string) => join(PROJECT_ROOT, "models", "bundled", `${name}.safetensors`);

/** Their files, by the names that a training takes as `initialWeights`. */
export const BUNDLED_MODELS = {
  /** What inference takes where no model is named, too. */
  bundled: bundled("unet_lite0_drawings"),
  /** The better start for a training (docs/training.md). */
  "bundled-lite2": bundled("unet_lite2_drawings"),
} as const;

/** The model that inference takes where none is named. */
export const BUNDLED_MODEL: string = BUNDLED_MODELS.bundled;

/**
 * The path of weights to start from: a name of {@link BUNDLED_MODELS}, or a file.
 *
 * @throws {RangeError} for a name that begins like those and is none of them
 */
export function initialWeightsPath(name: string): string {
  if (Object.hasOwn(BUNDLED_MODELS, name)) {
    return BUNDLED_MODELS[name as keyof typeof BUNDLED_MODELS];
  }
  if (/^bundled[^./]*$/.test(name)) {
    const known = Object.keys(BUNDLED_MODELS).join(", ");
    throw new RangeError(`no weights "${name}" come with the project; there are ${known}`);
  }
  return name;
}
