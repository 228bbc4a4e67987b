/** Weights into and out of a model, by the reference's state_dict names. */
import * as tf from "@tensorflow/tfjs-core";
import {
  adaptFirstConv,
  type KeyStyle,
  keyStyle,
  toEncoderNames,
} from "./checkpoint/encoder_keys.ts";
import { inferConfig } from "./checkpoint/infer_config.ts";
import { readTorch } from "./checkpoint/torch.ts";
import type { GraphModel } from "./graph.ts";
import { fromTorch, fromTorchShape, toTorch } from "./layout.ts";
import {
  type NamedTensor,
  readSafetensors,
  type TensorFile,
  writeSafetensors,
} from "./safetensors.ts";
import { createModel } from "./segmentation_model.ts";
import type { ModelConfig, SegmentationModel } from "./types.ts";

/** The metadata key under which the configuration lies. */
const CONFIG_KEY = "crypts.config";

/** How {@link saveWeights} writes. */
export interface SaveOptions {
  /** Rounds to float16, which halves the file; default false. */
  half?: boolean;
}

/**
 * Writes every parameter as `.safetensors` under its state_dict name and PyTorch shape, with the
 * configuration and `metadata`, whole or not at all.
 *
 * @throws {Error} naming the path when it cannot be written
 */
export async function saveWeights(
  model: SegmentationModel,
  path: string,
  metadata: Record<string, string> = {},
  options: SaveOptions = {},
): Promise<void> {
  const tensors = [];
  for (const { name, torchShape, layout, variable } of model.parameters.values()) {
    const values = toTorch(await variable.data() as Float32Array, torchShape, layout);
    const counter = name.endsWith(".num_batches_tracked");
    tensors.push({ name, shape: torchShape, values, counter, half: options.half });
  }
  await writeSafetensors(path, tensors, {
    format: "pt",
    preprocessing: "x / 255, then ImageNet mean and deviation (RGB)",
    ...metadata,
    [CONFIG_KEY]: JSON.stringify(model.config),
  });
}

/**
 * Rebuilds a model from a file alone: one that {@link saveWeights} wrote, or a state_dict of
 * segmentation_models_pytorch (`.pth`, `.pt`, `.safetensors`), whose configuration is read off its
 * names and shapes.
 *
 * @throws {Error} naming the file when it cannot be read or is of no known model
 */
export async function loadModel(
  path: string,
): Promise<{ model: GraphModel; metadata: Record<string, string> }> {
  const { tensors, metadata } = await readTensors(path);
  const { [CONFIG_KEY]: written, ...rest } = metadata;
  let config: ModelConfig;
  try {
    config = written ? JSON.parse(written) : inferConfig(tensors);
  } catch (cause) {
    throw new Error(`${path} does not say which model it is: ${(cause as Error).message}`, {
      cause,
    });
  }
  const model = createModel({ ...config, initialize: false });
  try {
    assignWeights(model, tensors, path);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return { model, metadata: rest };
}

async function readTensors(path: string): Promise<TensorFile> {
  if (/\.safetensors$/i.test(path)) return await readSafetensors(path);
  if (/\.(pth|pt)$/i.test(path)) return { tensors: await readTorch(path), metadata: {} };
  throw new Error(`weights must be a .safetensors, .pth or .pt file, got ${path}`);
}

/** What {@link loadWeights} found in a file. */
export interface LoadedWeights {
  /** A whole model, or an encoder alone: the decoder then keeps the weights it had. */
  scope: "model" | "encoder";
  /** Whose key names the file uses. */
  style: KeyStyle;
  /** The metadata of a `.safetensors` file. */
  metadata: Record<string, string>;
}

/**
 * Reads weights into `model` from `.safetensors`, `.pth` or `.pt`: a whole model, or an encoder alone
 * under the names of smp, efficientnet_pytorch, torchvision or timm. An encoder's first convolution is
 * adapted to the model's input channels as smp does.
 *
 * @throws {Error} naming the file, and listing all missing, unexpected and misshapen entries;
 *   the model is then unchanged
 */
export async function loadWeights(model: SegmentationModel, path: string): Promise<LoadedWeights> {
  const { tensors, metadata } = await readTensors(path);
  const style = keyStyle(tensors);
  if (style === "model") {
    assignWeights(model, tensors, path);
    return { scope: "model", style, metadata };
  }
  const encoder = toEncoderNames(tensors, style);
  for (const name of ["encoder._conv_stem.weight", "encoder.conv1.weight"]) {
    const first = encoder.get(name);
    if (first) encoder.set(name, adaptFirstConv(first, model.config.inChannels));
  }
  assignWeights(model, encoder, path, "encoder.");
  return { scope: "encoder", style, metadata };
}

/**
 * Assigns tensors (PyTorch layout) to the parameters whose names start with `prefix`.
 * `num_batches_tracked` may be absent: files from before PyTorch 0.4.1 have none.
 *
 * @throws {Error} see {@link loadWeights}
 */
export function assignWeights(
  model: SegmentationModel,
  tensors: ReadonlyMap<string, NamedTensor>,
  source: string,
  prefix = "",
): void {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const wanted = [...model.parameters.values()].filter((p) => p.name.startsWith(prefix));
  for (const { name, torchShape } of wanted) {
    const found = tensors.get(name);
    if (!found) {
      if (!name.endsWith(".num_batches_tracked")) missing.push(name);
    } else if (found.shape.join() !== torchShape.join()) {
      misshapen.push(`${name}: [${found.shape}] instead of [${torchShape}]`);
    }
  }
  const unexpected = [...tensors.keys()].filter((name) => !model.parameters.has(name));
  const problems = Object.entries({ missing, unexpected, misshapen })
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `${names.length} ${kind}: ${names.join(", ")}`);
  if (problems.length > 0) {
    const { architecture, encoder } = model.config;
    const what = prefix ? `the encoder ${encoder}` : `${architecture} with ${encoder}`;
    throw new Error(`${source} does not fit ${what}:\n${problems.join("\n")}`);
  }
  for (const { name, torchShape, layout, variable } of wanted) {
    const found = tensors.get(name);
    if (!found) continue;
    const values = fromTorch(found.values, torchShape, layout);
    tf.tidy(() => variable.assign(tf.tensor(values, fromTorchShape(torchShape, layout))));
  }
}
