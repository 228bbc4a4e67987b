/** The model that comes with the project, see `models/README.md`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "../base/mod.ts";

/** Its file. */
export const BUNDLED_MODEL: string = join(
  PROJECT_ROOT,
  "models",
  "bundled",
  "unet_lite0_drawings.safetensors",
);

/** The path of weights to start from: `"bundled"` is the model that comes with the project. */
export function initialWeightsPath(name: string): string {
  return name === "bundled" ? BUNDLED_MODEL : name;
}
