/** Model files become an ensemble. */
import { basename, extname } from "node:path";
import { loadModel, type ModelConfig, onnxPredictor, WEIGHT_EXTENSIONS } from "../model/mod.ts";
import { readTrainingInfo } from "../training/mod.ts";
import { modelPredictor, type TilePredictor } from "./predictor.ts";

/** Models that vote together, and what their training says of their use. */
export interface Ensemble {
  predictors: TilePredictor[];
  /** The factor by which images were resized before training; null where no file says it. */
  scale: number | null;
  /** Side of the patches in training; null where no file says it. */
  tile: number | null;
  dispose(): void;
}

/** Settings of {@link openEnsemble}. */
export interface EnsembleOptions {
  /** What every model must be; others are refused. */
  expect?: Partial<Pick<ModelConfig, "architecture" | "encoder" | "classes">>;
  /** Runs `.safetensors` models in ONNX Runtime instead of TensorFlow.js; default false. */
  onnx?: boolean;
}

/**
 * Opens model files: `.safetensors` (as training writes them), `.onnx`, or PyTorch's `.pth` and `.pt`
 * (state_dicts of segmentation_models_pytorch, such as the original's fold models).
 *
 * @throws {RangeError} for an empty list, another kind of file, a model that is not the expected one,
 *   or models of different classes, scales or patches, naming the files
 * @throws {Error} naming a file that cannot be read
 */
export async function openEnsemble(
  paths: readonly string[],
  options: EnsembleOptions = {},
): Promise<Ensemble> {
  if (paths.length === 0) throw new RangeError("an ensemble needs at least one model file");
  const predictors: TilePredictor[] = [];
  const dispose = () => predictors.forEach((p) => p.dispose());
  const said: { path: string; scale: number; tile: number }[] = [];
  try {
    for (const path of paths) {
      const { predictor, scale, tile } = await openOne(path, options);
      predictors.push(predictor);
      if (predictor.classes !== predictors[0].classes) {
        throw new RangeError(
          `models of one ensemble must have the same classes: ${paths[0]} has ` +
            `${predictors[0].classes}, ${path} has ${predictor.classes}`,
        );
      }
      if (scale === null || tile === null) continue;
      said.push({ path, scale, tile });
      if (said[0].scale !== scale || said[0].tile !== tile) {
        throw new RangeError(
          `models of one ensemble must be trained alike: ${said[0].path} at scale ` +
            `${said[0].scale} on patches of ${said[0].tile}, ${path} at ${scale} on ${tile}`,
        );
      }
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { predictors, scale: said[0]?.scale ?? null, tile: said[0]?.tile ?? null, dispose };
}

async function openOne(path: string, options: EnsembleOptions) {
  const name = basename(path), kind = extname(path).toLowerCase();
  if (kind === ".onnx") {
    return { predictor: await onnxPredictor(path), scale: null, tile: null };
  }
  if (!WEIGHT_EXTENSIONS.includes(kind)) {
    const known = [...WEIGHT_EXTENSIONS, ".onnx"].join(", ");
    throw new RangeError(`model ${path} must be a file of the kind ${known}`);
  }
  const { model, metadata } = await loadModel(path);
  for (const [key, wanted] of Object.entries(options.expect ?? {})) {
    const found = model.config[key as keyof ModelConfig];
    if (wanted === undefined || wanted === found) continue;
    model.dispose();
    throw new RangeError(`model ${path} has ${key} ${found}, expected ${wanted}`);
  }
  const training = readTrainingInfo(metadata);
  const known = { scale: training?.scale ?? null, tile: training?.patchSize[0] ?? null };
  if (!options.onnx) return { predictor: modelPredictor(model, name), ...known };
  try {
    return { predictor: await onnxPredictor(model, { name }), ...known };
  } finally {
    model.dispose();
  }
}
