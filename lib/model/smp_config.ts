/** What segmentation_models_pytorch's `save_pretrained` writes beside the weights: `config.json`. */
import { basename, dirname, join } from "node:path";
import { exists } from "../base/mod.ts";
import type { Preprocessing } from "../image/mod.ts";
import { completeConfig } from "./config.ts";
import { ENCODER_WEIGHTS, type EncoderWeights, usualPreprocessing } from "./pretrained/sources.ts";
import type { ModelConfig } from "./types.ts";

/** The file of weights that `save_pretrained` writes. */
const WEIGHTS_FILE = "model.safetensors";

/** A model as `config.json` describes it. */
export interface SmpModel {
  config: Required<ModelConfig>;
  preprocessing: Preprocessing;
}

type Settings = Record<string, unknown>;

/**
 * The model that the `config.json` beside a `model.safetensors` describes; null where there is none of
 * smp's. Its padding is "smp-0.3": older versions had no `save_pretrained`.
 *
 * @throws {RangeError} naming the file and each setting that is not built here
 */
export async function readSmpConfig(weightsPath: string): Promise<SmpModel | null> {
  if (basename(weightsPath) !== WEIGHTS_FILE) return null;
  const path = join(dirname(weightsPath), "config.json");
  if (!await exists(path)) return null;
  let settings: Settings;
  try {
    settings = JSON.parse(await Deno.readTextFile(path));
  } catch (cause) {
    throw new RangeError(`${path} is no JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof settings?._model_class !== "string") return null;
  try {
    return modelOf(settings);
  } catch (cause) {
    throw new RangeError(`${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Settings that a model of ours has, by smp's names. */
const OURS = [
  "_model_class",
  "encoder_name",
  "encoder_weights",
  "encoder_depth",
  "classes",
  "in_channels",
  "activation",
  "decoder_channels",
  "decoder_attention_type",
  "decoder_use_norm",
  "decoder_use_batchnorm",
  // Its head is left aside when the weights are read.
  "aux_params",
];

/** Settings with the only value that is built, which changes the function and leaves no trace. */
const FIXED: Settings = {
  decoder_interpolation: "nearest",
  decoder_pab_channels: 64,
  encoder_output_stride: 32,
  decoder_add_center_block: false,
  upsampling: 1,
};

function modelOf(settings: Settings): SmpModel {
  const refused = Object.entries(settings).filter(([key, value]) =>
    !OURS.includes(key) && value !== null && !(key in FIXED && FIXED[key] === value)
  );
  if (refused.length > 0) {
    const list = refused.map(([key, value]) => {
      const built = key in FIXED ? ` (built: ${JSON.stringify(FIXED[key])})` : "";
      return `${key} ${JSON.stringify(value)}${built}`;
    });
    throw new RangeError(`not built here: ${list.join(", ")}`);
  }
  const encoder = settings.encoder_name as string;
  const config: ModelConfig = {
    architecture: settings._model_class as string,
    encoder,
    padding: "smp-0.3",
    decoderBatchNorm: batchNormOf(settings),
  };
  const taken = {
    classes: settings.classes,
    inChannels: settings.in_channels,
    encoderDepth: settings.encoder_depth,
    decoderChannels: settings.decoder_channels,
    decoderAttention: settings.decoder_attention_type,
    activation: settings.activation,
  };
  for (const [name, value] of Object.entries(taken)) {
    if (value !== undefined) Object.assign(config, { [name]: value });
  }
  const weights = settings.encoder_weights as EncoderWeights;
  return {
    config: completeConfig(config),
    preprocessing: ENCODER_WEIGHTS[encoder]?.[weights]?.preprocessing ??
      usualPreprocessing(encoder),
  };
}

/** `decoder_use_norm` of smp 0.5 and newer, `decoder_use_batchnorm` before; default: batch norm. */
function batchNormOf(settings: Settings): boolean {
  const said = settings.decoder_use_norm ?? settings.decoder_use_batchnorm ?? true;
  const type = typeof said === "object" ? (said as Settings).type : said;
  if (type === true || type === "batchnorm") return true;
  if (type === false || type === "identity") return false;
  throw new RangeError(
    `not built here: the decoder's norm ${JSON.stringify(said)} (built: "batchnorm", "identity")`,
  );
}
