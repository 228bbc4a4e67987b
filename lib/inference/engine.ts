/** Which engine runs a model: ONNX Runtime on processors, TensorFlow.js on GPUs. */
import * as tf from "@tensorflow/tfjs-core";
import { activeBackend } from "../backend/mod.ts";
import { type GraphModel, onnxPredictor } from "../model/mod.ts";
import { modelPredictor, type TilePredictor } from "./predictor.ts";

/**
 * `"auto"`: TensorFlow.js where its backend is a GPU, else ONNX Runtime (the fastest on processors in
 * every case measured, see docs/backends.md), and TensorFlow.js again where that cannot be used.
 */
export type Engine = "auto" | "onnx" | "tensorflow";

/** The engines that can be asked for. */
export const ENGINES: readonly Engine[] = ["auto", "onnx", "tensorflow"];

/** How a model is given its engine. */
export interface EngineOptions {
  /** Default `"auto"`. */
  engine?: Engine;
  /** Threads of ONNX Runtime; default: as many as there are cores. */
  threads?: number;
  /** Called with one line when `"auto"` falls back. */
  onMessage?: (line: string) => void;
}

/** Both engines compute in single precision; more than this is another result. */
const TOLERANCE = 1e-3;

/**
 * A predictor for a model that is loaded. It owns the model: ONNX Runtime's copy of the weights
 * replaces it, and disposing of the predictor disposes of what is left.
 *
 * ONNX Runtime's first answer is compared with TensorFlow.js' on a small tile: where they differ by
 * more than 0.001, or ONNX Runtime cannot be used, `"auto"` says so in a line and keeps TensorFlow.js.
 *
 * @throws {RangeError} for an unknown engine
 * @throws {Error} when engine `"onnx"` was asked for and cannot be used
 */
export async function enginePredictor(
  model: GraphModel,
  name: string,
  options: EngineOptions = {},
): Promise<TilePredictor> {
  const { engine = "auto", threads, onMessage } = options;
  checkEngine(engine);
  const own = modelPredictor(model, name);
  if (engine === "tensorflow" || (engine === "auto" && isGpu())) return own;
  let onnx: TilePredictor | null = null;
  try {
    onnx = await onnxPredictor(model, { name, threads });
    const difference = await largestDifference(onnx, own);
    if (!(difference <= TOLERANCE)) {
      throw new Error(`ONNX Runtime's answer differs from TensorFlow.js' by ${difference}`);
    }
  } catch (error) {
    onnx?.dispose();
    if (engine === "onnx") {
      own.dispose();
      throw error;
    }
    const reason = (error as Error).message.split("\n")[0];
    onMessage?.(`${name}: ${own.engine} instead of ONNX Runtime (${reason})`);
    return own;
  }
  own.dispose();
  return onnx;
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

async function largestDifference(a: TilePredictor, b: TilePredictor): Promise<number> {
  const side = a.sideMultiple;
  const tile = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 37) % 251);
  await tf.ready();
  const [[x], [y]] = [await a.predict([tile], side, side), await b.predict([tile], side, side)];
  // NaN is not above a limit: it must not pass as equal. Both NaN is the model's, refused later.
  return x.reduce((most, v, i) => Math.max(most, Object.is(v, y[i]) ? 0 : Math.abs(v - y[i])), 0);
}
