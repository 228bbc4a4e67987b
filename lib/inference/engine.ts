/** Which engine runs a weight file: ONNX Runtime on processors, TensorFlow.js on GPUs. */
import { activeBackend } from "../backend/mod.ts";
import { loadModel, type ModelConfig, openOnnxPredictor } from "../model/mod.ts";
import { modelPredictor, type TilePredictor } from "./predictor.ts";

/**
 * `"auto"`: TensorFlow.js where its backend is a GPU, else ONNX Runtime (the fastest on processors in
 * every case measured, see docs/benchmarks.md), and TensorFlow.js again where that cannot be used.
 */
export type Engine = "auto" | "onnx" | "tensorflow";

/** The engines that can be asked for. */
export const ENGINES: readonly Engine[] = ["auto", "onnx", "tensorflow"];

/** How weight files are given their engine. */
export interface EngineOptions {
  /** Default `"auto"`. */
  engine?: Engine;
  /** Threads of ONNX Runtime; default: as many as there are cores. */
  threads?: number;
  /** Called with one line when `"auto"` falls back; default: the console. */
  onMessage?: (line: string) => void;
}

/** A weight file that an engine runs. */
export interface OpenedModel {
  predictor: TilePredictor;
  config: Required<ModelConfig>;
  /** That of the weight file. */
  metadata: Record<string, string>;
}

/**
 * Opens a weight file. For ONNX Runtime it is exported the first time, compared with TensorFlow.js and
 * kept beside the weights (`.onnx/`); where that fails, `"auto"` says so in a line and TensorFlow.js
 * runs it.
 *
 * @throws {RangeError} for an unknown engine
 * @throws {Error} naming a file that cannot be read, or that engine `"onnx"` cannot run
 */
export async function openModel(
  path: string,
  name: string,
  options: EngineOptions = {},
): Promise<OpenedModel> {
  const { engine = "auto", threads, onMessage = (line) => console.warn(line) } = options;
  checkEngine(engine);
  if (engine === "tensorflow" || (engine === "auto" && isGpu())) {
    return await inTensorFlow(path, name);
  }
  try {
    return await openOnnxPredictor(path, { name, threads });
  } catch (error) {
    if (engine === "onnx") throw error;
    // A file that cannot be read at all has its own error.
    const opened = await inTensorFlow(path, name);
    const reason = (error as Error).message.split("\n")[0];
    onMessage(`${name}: ${opened.predictor.engine} instead of ONNX Runtime (${reason})`);
    return opened;
  }
}

async function inTensorFlow(path: string, name: string): Promise<OpenedModel> {
  const { model, metadata } = await loadModel(path);
  return { predictor: modelPredictor(model, name), config: model.config, metadata };
}

/** @throws {RangeError} for an unknown engine, listing the known ones */
export function checkEngine(engine: string): asserts engine is Engine {
  if (!(ENGINES as readonly string[]).includes(engine)) {
    throw new RangeError(`engine must be one of ${ENGINES.join(", ")}, got "${engine}"`);
  }
}

/** Whether TensorFlow.js runs on a GPU here. */
function isGpu(): boolean {
  return ["tfjs-node-gpu", "webgpu"].includes(activeBackend()?.name ?? "");
}
