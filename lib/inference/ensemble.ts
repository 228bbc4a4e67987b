/** Model files become an ensemble. */
import { basename, extname } from "node:path";
import { exists, refuseSpecial } from "../base/mod.ts";
import { type ModelConfig, onnxPredictor, WEIGHT_EXTENSIONS } from "../model/mod.ts";
import { checkEngine, type EngineOptions, openModel } from "./engine.ts";
import { type ModelNotes, readModelNotes } from "./model_notes.ts";
import type { TilePredictor } from "./predictor.ts";

/** Models that vote together, and what their training says of their use. */
export interface Ensemble extends ModelNotes {
  predictors: TilePredictor[];
  dispose(): void;
}

/** Settings of {@link openEnsemble}. */
export interface EnsembleOptions extends EngineOptions {
  /** What every model must be; others are refused. */
  expect?: Partial<Pick<ModelConfig, "architecture" | "encoder" | "classes">>;
}

const NOTHING: ModelNotes = {
  ...{ scale: null, tile: null, pixelSize: null, about: [] },
  reference: { stain: null, diceLimit: null },
  decision: {},
};

/**
 * Opens model files: `.safetensors` (as training writes them), `.onnx`, or PyTorch's `.pth` and `.pt`
 * (state_dicts of segmentation_models_pytorch, such as the original's fold models).
 *
 * @throws {RangeError} for an empty list, another kind of file, a model that is not the expected one,
 *   or models of different classes, scales, pixel sizes or patches, naming the files
 * @throws {Error} naming a file that cannot be read
 */
export async function openEnsemble(
  paths: readonly string[],
  options: EnsembleOptions = {},
): Promise<Ensemble> {
  if (paths.length === 0) throw new RangeError("an ensemble needs at least one model file");
  checkEngine(options.engine ?? "auto");
  const predictors: TilePredictor[] = [];
  const dispose = () => predictors.forEach((p) => p.dispose());
  let first: { path: string; notes: ModelNotes } | null = null;
  try {
    for (const path of paths) {
      const { predictor, notes } = await openOne(path, options);
      predictors.push(predictor);
      if (predictor.classes !== predictors[0].classes) {
        throw new RangeError(
          `models of one ensemble must have the same classes: ${paths[0]} has ` +
            `${predictors[0].classes}, ${path} has ${predictor.classes}`,
        );
      }
      if (notes.scale === null && notes.pixelSize === null) continue;
      first ??= { path, notes };
      checkAlike(first, { path, notes });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { ...(first?.notes ?? NOTHING), predictors, dispose };
}

interface Noted {
  path: string;
  notes: ModelNotes;
}

function checkAlike(first: Noted, other: Noted): void {
  const [a, b] = [first.notes, other.notes];
  if (a.scale === b.scale && a.tile === b.tile && a.pixelSize === b.pixelSize) return;
  const words = ({ scale, tile, pixelSize }: ModelNotes) =>
    `scale ${scale} on patches of ${tile}` + (pixelSize ? ` at ${pixelSize} µm per pixel` : "");
  throw new RangeError(
    `models of one ensemble must be trained alike: ${first.path} at ${words(a)}, ` +
      `${other.path} at ${words(b)}`,
  );
}

async function openOne(path: string, options: EnsembleOptions) {
  const name = basename(path), kind = extname(path).toLowerCase();
  if (await exists(path)) refuseSpecial(path, `model ${path}`);
  if (kind === ".onnx") {
    const predictor = await onnxPredictor(path, { threads: options.threads });
    return { predictor, notes: NOTHING };
  }
  if (!WEIGHT_EXTENSIONS.includes(kind)) {
    const known = [...WEIGHT_EXTENSIONS, ".onnx"].join(", ");
    throw new RangeError(`model ${path} must be a file of the kind ${known}`);
  }
  const { predictor, config, metadata } = await openModel(path, name, options);
  try {
    for (const [key, wanted] of Object.entries(options.expect ?? {})) {
      const found = config[key as keyof ModelConfig];
      if (wanted === undefined || wanted === found) continue;
      throw new RangeError(`model ${path} has ${key} ${found}, expected ${wanted}`);
    }
    return { predictor, notes: readModelNotes(path, metadata) };
  } catch (error) {
    predictor.dispose();
    throw error;
  }
}
