/** Weight files run by ONNX Runtime: exported once, checked against TensorFlow.js, kept beside the weights. */
import * as tf from "@tensorflow/tfjs-core";
import { basename } from "node:path";
import { digestFile } from "../base/mod.ts";
import { normalizeRgb } from "../image/mod.ts";
import { parseConfig } from "./checkpoint/infer_config.ts";
import type { GraphModel } from "./graph.ts";
import { encodeOnnx } from "./onnx/export.ts";
import { FormCache } from "./onnx/form_cache.ts";
import { onnxMetadata } from "./onnx/metadata.ts";
import { OnnxRunner, type RunnerOptions } from "./onnx/runner.ts";
import {
  type OnnxFeatures,
  onnxFeatures,
  type OnnxPredictor,
  onnxPredictor,
} from "./onnx_predictor.ts";
import type { ModelConfig } from "./types.ts";
import type { LoadOptions } from "./file_description.ts";
import { readSmpConfig } from "./smp_config.ts";
import { loadModel } from "./weights.ts";

/** How a weight file is opened for ONNX Runtime. */
export interface OnnxFormOptions extends RunnerOptions, LoadOptions {
  /** Whether forms are read from and kept in `.onnx/` beside the weights; default true. */
  cache?: boolean;
}

/** What is known of a weight file that ONNX Runtime runs. */
export interface OnnxForm {
  config: Required<ModelConfig>;
  /** The metadata of the weight file. */
  metadata: Record<string, string>;
  /** "kept": read from beside the weights; "made": exported and kept; "memory": exported, not kept. */
  origin: "kept" | "made" | "memory";
  /** Largest difference between ONNX Runtime and TensorFlow.js when it was exported. */
  difference: number;
  /** What was said when the file was loaded; said again whenever the kept form is opened. */
  notices: string[];
}

/** Metadata keys of a form. */
const DIFFERENCE = "crypts.difference";
const WEIGHTS = "crypts.weights";
const NOTICES = "crypts.notices";

/** Both engines compute in single precision; more than this (of the range, for features) is an error. */
const TOLERANCE = 1e-3;

/**
 * A predictor of a weight file. The first time, the model is loaded, exported and compared with
 * TensorFlow.js on one small tile; later the kept form is opened alone, without building the model.
 *
 * @throws {Error} naming the file when it cannot be read (see `loadModel`), when ONNX Runtime cannot run
 *   it, or when its answer differs from TensorFlow.js' by more than 0.001
 * @example
 * ```ts
 * import { openOnnxPredictor } from "crypts/model";
 * const { predictor, origin } = await openOnnxPredictor("models/unet_b2_fold0.safetensors");
 * const tile = new Uint8Array(512 * 512 * 3); // interleaved RGB
 * const [maps] = await predictor.predict([tile], 512, 512);
 * ```
 */
export async function openOnnxPredictor(
  path: string,
  options: OnnxFormOptions = {},
): Promise<OnnxForm & { predictor: OnnxPredictor }> {
  const { bytes, ...form } = await openForm(path, "probabilities", options);
  const predictor = await onnxPredictor(bytes, {
    threads: options.threads,
    name: options.name ?? basename(path),
  });
  return { ...form, predictor };
}

/** The encoder of a weight file as an extractor of features; otherwise as {@link openOnnxPredictor}. */
export async function openOnnxFeatures(
  path: string,
  options: OnnxFormOptions = {},
): Promise<OnnxForm & { features: OnnxFeatures }> {
  const { bytes, ...form } = await openForm(path, "features", options);
  const features = await onnxFeatures(bytes, {
    threads: options.threads,
    name: options.name ?? basename(path),
  });
  return { ...form, features };
}

type Output = "probabilities" | "features";

async function openForm(
  path: string,
  output: Output,
  options: OnnxFormOptions,
): Promise<OnnxForm & { bytes: Uint8Array<ArrayBuffer> }> {
  const give = options.onNotice ?? ((notice: string) => console.warn(notice));
  const cache = options.cache === false ? null : new FormCache(path, await digestFile(path), [
    output,
    options.prefix ?? "",
    options.padding ?? "",
    JSON.stringify(await readSmpConfig(path)),
  ]);
  const kept = await cache?.read() ?? null;
  const known = kept && tryDescribed(kept);
  if (kept && known) {
    known.notices.forEach(give);
    return { bytes: kept, ...known, origin: "kept" };
  }
  const notices: string[] = [];
  const onNotice = (notice: string) => {
    notices.push(notice);
    give(notice);
  };
  const { model, metadata } = await loadModel(path, { ...options, onNotice });
  try {
    const difference = await compare(path, model, output);
    const bytes = await encodeOnnx(model, {
      output,
      metadata: {
        [DIFFERENCE]: String(difference),
        [WEIGHTS]: JSON.stringify(metadata),
        [NOTICES]: JSON.stringify(notices),
      },
    });
    const written = await cache?.write(bytes);
    return { bytes, ...described(bytes), origin: written ? "made" : "memory" };
  } finally {
    model.dispose();
  }
}

/** What a form's own metadata say. */
function described(bytes: Uint8Array): Omit<OnnxForm, "origin"> {
  const metadata = onnxMetadata(bytes);
  return {
    config: parseConfig(metadata.config) as Required<ModelConfig>,
    metadata: JSON.parse(metadata[WEIGHTS]),
    difference: Number(metadata[DIFFERENCE]),
    notices: JSON.parse(metadata[NOTICES]),
  };
}

/** The same, or null for a form that says it in another way: it is made anew. */
function tryDescribed(bytes: Uint8Array): Omit<OnnxForm, "origin"> | null {
  try {
    return described(bytes);
  } catch {
    return null;
  }
}

/** Largest difference between both engines on a small tile; @throws {Error} when it is no rounding */
async function compare(path: string, model: GraphModel, output: Output): Promise<number> {
  const runner = await OnnxRunner.open(await encodeOnnx(model, { output }), { name: path });
  try {
    const side = 2 * model.sideMultiple;
    const { inChannels } = model.config;
    const tile = Uint8Array.from({ length: side * side * inChannels }, (_, i) => (i * 37) % 251);
    const x = tf.tidy(() =>
      tf.tensor4d(
        inChannels === 3
          ? normalizeRgb(tile, model.preprocessing)
          : Float32Array.from(tile, (v) => v / 127 - 1),
        [1, side, side, inChannels],
      )
    );
    const nchw = (t: tf.Tensor) => tf.transpose(t, [0, 3, 1, 2]);
    const [input, want] = tf.tidy(() => {
      const logits = output === "features" ? model.feature(x, "bottleneck") : model.forward(x);
      const y = output === "features"
        ? logits
        : model.config.classes === 1
        ? tf.sigmoid(logits)
        : tf.softmax(logits);
      return [nchw(x), nchw(y)];
    });
    try {
      const wanted = await want.data() as Float32Array;
      const { values } = await runner.run(await input.data() as Float32Array, input.shape);
      const difference = largestDifference(values, wanted);
      if (difference <= TOLERANCE) return difference;
      throw new Error(
        `${path}: ONNX Runtime and TensorFlow.js (${tf.getBackend()}) differ by ${difference}`,
      );
    } finally {
      tf.dispose([x, input, want]);
    }
  } finally {
    await runner.release();
  }
}

/** Relative to the wanted values' largest size, where that is over 1. */
function largestDifference(got: Float32Array, want: Float32Array): number {
  let worst = 0, size = 1;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i] - want[i]);
    // NaN is above no limit: it must not pass as equal.
    if (Number.isNaN(difference)) return NaN;
    worst = Math.max(worst, difference);
    size = Math.max(size, Math.abs(want[i]));
  }
  return worst / size;
}
