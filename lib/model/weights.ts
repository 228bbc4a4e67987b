/** Weights into a model (and, by `save_weights.ts`, out of it), by the reference's state_dict names. */
import * as tf from "@tensorflow/tfjs-core";
import {
  adaptFirstConv,
  type KeyStyle,
  keyStyle,
  toEncoderNames,
} from "./checkpoint/encoder_keys.ts";
import { architectureOf } from "./checkpoint/architectures.ts";
import type { FileTensor, WeightFile } from "./checkpoint/file_tensor.ts";
import { readChecked, requireFit, type Source } from "./checkpoint/fit.ts";
import type { Shapes } from "./checkpoint/infer_config.ts";
import { listNames, locate, type Located, type ModelEntries } from "./checkpoint/names.ts";
import { openWeights } from "./checkpoint/open.ts";
import { EFFICIENTNET_LITES } from "./encoders/efficientnet_lite.ts";
import {
  checkFunction,
  CONFIG_KEY,
  describeFile,
  type LoadOptions,
  PREPROCESSING_KEY,
} from "./file_description.ts";
import { toLiteNames } from "./encoders/lite_names.ts";
import type { GraphModel } from "./graph.ts";
import { fromTorch, fromTorchShape } from "./layout.ts";
import type { NamedTensor } from "./safetensors.ts";
import { createModel, describeParameters } from "./segmentation_model.ts";
import type { ModelConfig, SegmentationModel } from "./types.ts";

export { type SaveOptions, saveWeights } from "./save_weights.ts";

/** What {@link loadModel} gives. */
export interface LoadedModel {
  model: GraphModel;
  /** The metadata of a `.safetensors` file. */
  metadata: Record<string, string>;
}

/**
 * Rebuilds a model from a file alone: one that {@link saveWeights} wrote, or a state_dict of
 * segmentation_models_pytorch in a `.pth`, `.pt`, `.ckpt`, `.bin`, `.tar` or `.safetensors` file, whose
 * configuration is read off its names and shapes. Prefixes of wrappers are taken off; what is not the
 * model's, and a classification head, are left aside with a notice. Nothing is allocated before names
 * and shapes fit, and no more than the file holds.
 *
 * @throws {Error} naming the file when it cannot be read, is of no known model, lacks entries, or holds
 *   values that are not finite
 */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const file = await openWeights(path);
  const located = locateIn(file, options);
  const { config, preprocessing } = await describeFile(file, shapesOf(located.entries), options);
  const parameters = describeParameters(config);
  const names = new Set(parameters.map((p) => p.name));
  const nameOf = (name: string) => located.prefix + name;
  const source: Source = { path, nameOf, target: targetOf(config) };
  requireFit(parameters, located.entries, source, (name) => names.has(name));
  const values = readChecked(parameters, located.entries, source, file.capacity);
  giveNotices(file, located, options);
  const model = createModel({ ...config, preprocessing, initialize: false });
  put(model, values);
  const { [CONFIG_KEY]: _, [PREPROCESSING_KEY]: __, ...metadata } = file.metadata;
  return { model, metadata };
}

function locateIn(file: WeightFile, { prefix }: LoadOptions): Located {
  try {
    return locate(file, prefix);
  } catch (cause) {
    throw new Error(`${file.path}: ${(cause as Error).message}`, { cause });
  }
}

function shapesOf(entries: ModelEntries): Shapes {
  return new Map([...entries].map(([name, { tensor }]) => [name, tensor.shape]));
}

function targetOf({ architecture, encoder }: ModelConfig): string {
  return `${architecture} with ${encoder}`;
}

/** Says what of a file was left aside. */
function giveNotices(file: WeightFile, { ignored, auxiliary }: Located, options: LoadOptions) {
  const give = options.onNotice ?? ((notice: string) => console.warn(notice));
  for (const notice of file.notices) give(`${file.path}: ${notice}`);
  if (auxiliary.length > 0) {
    give(`${file.path}: the classification head is left out: ${listNames(auxiliary)}`);
  }
  if (ignored.length > 0) {
    give(
      `${file.path}: ${ignored.length} entries that are not the model's are ignored: ` +
        listNames(ignored),
    );
  }
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
 * Reads weights into `model` from any file that {@link loadModel} reads: a whole model, or an encoder
 * alone under the names of smp, efficientnet_pytorch, torchvision or timm. An encoder's first convolution
 * is adapted to the model's input channels as smp does.
 *
 * @throws {Error} naming the file, and its missing, unexpected and misshapen entries; the model is then
 *   unchanged
 */
export async function loadWeights(
  model: SegmentationModel,
  path: string,
  options: LoadOptions = {},
): Promise<LoadedWeights> {
  const file = await openWeights(path);
  const located = locateIn(file, options);
  const style = keyStyle(located.entries);
  const whole = style === "model";
  const { encoder: target } = model.config;
  if (whole) {
    try {
      architectureOf([...located.entries.keys()]);
    } catch (cause) {
      throw new Error(`${path}: ${(cause as Error).message}`, { cause });
    }
    await checkFunction(model, file, options);
  }
  const entries = whole
    ? located.entries
    : adapted(encoderNames(located.entries, style, target), model.config.inChannels);
  const nameOf = style === "model" || style === "encoder"
    ? (name: string) => located.prefix + name
    : style === "bare" && !EFFICIENTNET_LITES.includes(target)
    ? (name: string) => located.prefix + name.slice("encoder.".length)
    : (name: string) => name;
  assign(model, entries, file, nameOf, whole ? "" : "encoder.");
  giveNotices(file, located, options);
  return { scope: whole ? "model" : "encoder", style, metadata: file.metadata };
}

/** An encoder's entries under the names that `encoder` has in this project. */
function encoderNames(entries: ModelEntries, style: KeyStyle, encoder: string): ModelEntries {
  return EFFICIENTNET_LITES.includes(encoder)
    ? toLiteNames(entries, style, encoder)
    : toEncoderNames(entries, style);
}

/** Encoder entries with the first convolution made for `channels` input channels. */
function adapted(entries: ModelEntries, channels: number): ModelEntries {
  for (
    const name of [
      "encoder._conv_stem.weight",
      "encoder.conv1.weight",
      "encoder.conv_stem.weight",
    ]
  ) {
    const first = entries.get(name);
    if (!first || first.tensor.shape[1] === channels || first.tensor.shape.length !== 4) continue;
    const { shape, bytes } = first.tensor;
    const read = () => {
      const values = first.tensor.read();
      return Float32Array.from(adaptFirstConv({ shape: [...shape], values }, channels).values);
    };
    const [outputs, , height, width] = shape;
    const tensor: FileTensor = {
      ...first.tensor,
      shape: [outputs, channels, height, width],
      bytes,
      read,
    };
    entries.set(name, { inFile: first.inFile, tensor });
  }
  return entries;
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
  const entries: ModelEntries = new Map();
  let capacity = 0;
  for (const [name, { shape, values }] of tensors) {
    capacity += values.byteLength;
    const tensor = {
      shape,
      bytes: values.byteLength,
      place: name,
      read: () => Float32Array.from(values),
    };
    entries.set(name, { inFile: name, tensor });
  }
  assign(model, entries, { path: source, capacity }, (name) => name, prefix);
}

/** Entries into the parameters whose names start with `scope`; `nameOf` gives the names in the file. */
function assign(
  model: SegmentationModel,
  entries: ModelEntries,
  { path, capacity }: Pick<WeightFile, "path" | "capacity">,
  nameOf: (name: string) => string,
  scope: string,
): void {
  const wanted = [...model.parameters.values()].filter((p) => p.name.startsWith(scope));
  const target = scope ? `the encoder ${model.config.encoder}` : targetOf(model.config);
  const source: Source = { path, nameOf, target };
  requireFit(wanted, entries, source, (name) => model.parameters.has(name));
  put(model, readChecked(wanted, entries, source, capacity));
}

function put(model: SegmentationModel, values: ReadonlyMap<string, Float32Array>): void {
  for (const [name, flat] of values) {
    const { torchShape, layout, variable } = model.parameters.get(name)!;
    const turned = fromTorch(flat, torchShape, layout);
    tf.tidy(() => variable.assign(tf.tensor(turned, fromTorchShape(torchShape, layout))));
  }
}
