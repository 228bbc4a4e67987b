/** Model files become an ensemble. */
import { basename, extname } from "node:path";
import { exists, refuseSpecial } from "../base/mod.ts";
import {
  type ModelConfig,
  type OnnxPredictor,
  onnxPredictor,
  WEIGHT_EXTENSIONS,
} from "../model/mod.ts";
import { checkEngine, type EngineOptions, openModel } from "./engine.ts";
import { type ModelNotes, readJson, readModelNotes } from "./model_notes.ts";
import type { TilePredictor } from "./predictor.ts";

/** Models that vote together, and what their training says of their use. */
export interface Ensemble extends ModelNotes {
  /** Side of the patches in training, or the one side of tiles that an ONNX file takes. */
  tile: number | null;
  predictors: TilePredictor[];
  dispose(): void;
}

/** Settings of {@link openEnsemble}. */
export interface EnsembleOptions extends EngineOptions {
  /** What every model must be; others are refused. */
  expect?: Partial<Pick<ModelConfig, "architecture" | "encoder" | "classes">>;
}

/**
 * Opens model files: `.safetensors` (as training writes them), `.onnx`, or PyTorch's `.pth` and `.pt`
 * (state_dicts of segmentation_models_pytorch, such as the original's fold models). An ONNX file that
 * was exported from a trained model has the same notes as the model itself.
 *
 * @throws {RangeError} for an empty list, another kind of file, a model that is not the expected one,
 *   an ONNX file whose fixed sides are no square, or models of different classes, scales, pixel sizes
 *   or patches, naming the files
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
  const noted: Noted[] = [];
  let first: Noted | null = null;
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
      noted.push({ path, notes });
      if (notes.scale === null && notes.pixelSize === null) continue;
      first ??= { path, notes };
      checkAlike(first, { path, notes });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  const taken = first ?? noted[0], { notes } = taken;
  tellUnlike(taken, noted, options.onMessage ?? ((line) => console.warn(line)));
  const fixed = predictors.flatMap(({ sides = [] }) => sides).find((side) => side !== null);
  return { ...notes, tile: fixed ?? notes.tile, predictors, dispose };
}

const DECISIONS = ["threshold", "interior", "minProbability", "minAreaUm2"] as const;

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

/** Says which models are taken to be as another one says of itself. */
function tellUnlike(
  { path, notes }: Noted,
  all: readonly Noted[],
  onMessage: (line: string) => void,
): void {
  const taken = basename(path), known = notes.scale !== null || notes.pixelSize !== null;
  for (const { path, notes: own } of all) {
    const name = basename(path);
    if (known && own.scale === null && own.pixelSize === null) {
      onMessage(`${name} does not say its scale or µm per pixel: taken to be those of ${taken}`);
    }
    if (Object.keys({ ...own.decision, ...notes.decision }).length === 0) continue;
    const same = DECISIONS.every((key) => own.decision[key] === notes.decision[key]);
    if (!same) onMessage(`${name} has another decision than ${taken}, whose is taken`);
  }
}

async function openOne(path: string, options: EnsembleOptions) {
  const name = basename(path), kind = extname(path).toLowerCase();
  if (await exists(path)) refuseSpecial(path, `model ${path}`);
  if (kind === ".onnx") {
    return notedOnnx(path, await onnxPredictor(path, { threads: options.threads }), options);
  }
  if (!WEIGHT_EXTENSIONS.includes(kind)) {
    const known = [...WEIGHT_EXTENSIONS, ".onnx"].join(", ");
    throw new RangeError(`model ${path} must be a file of the kind ${known}`);
  }
  const { predictor, config, metadata } = await openModel(path, name, options);
  try {
    checkExpected(path, config, options);
    return { predictor, notes: readModelNotes(path, metadata) };
  } catch (error) {
    predictor.dispose();
    throw error;
  }
}

/** An ONNX file says in its metadata what a weight file says in its own. */
function notedOnnx(path: string, predictor: OnnxPredictor, options: EnsembleOptions) {
  try {
    const { metadata, classes, sides: [height, width] } = predictor;
    if (height !== null && width !== null && height !== width) {
      throw new RangeError(
        `model ${path} takes images of ${height} x ${width} px alone, and tiles are squares: ` +
          "export it with --sides N,N or without",
      );
    }
    const config = readJson(path, metadata, "config") as Partial<ModelConfig> | null;
    checkExpected(path, { classes, ...config }, options);
    return { predictor, notes: readModelNotes(path, metadata) };
  } catch (error) {
    predictor.dispose();
    throw error;
  }
}

function checkExpected(
  path: string,
  config: Partial<ModelConfig>,
  { expect = {} }: EnsembleOptions,
): void {
  for (const [key, wanted] of Object.entries(expect)) {
    const found = config[key as keyof ModelConfig];
    if (wanted === undefined || wanted === found) continue;
    const has = found === undefined ? `does not say its ${key}` : `has ${key} ${found}`;
    throw new RangeError(`model ${path} ${has}, expected ${wanted}`);
  }
}
