/** Models whose encoder starts from published weights. */
import { createModel, type InitialWeights } from "../segmentation_model.ts";
import type { GraphModel } from "../graph.ts";
import type { ModelConfig } from "../types.ts";
import { loadWeights } from "../weights.ts";
import { type FetchOptions, fetchWeights } from "./fetch_weights.ts";
import { type EncoderWeights, weightsSource } from "./sources.ts";

/** What {@link createPretrainedModel} builds. */
export interface PretrainedConfig extends ModelConfig, Omit<InitialWeights, "encoderWeights"> {
  /** smp's `encoder_weights`; null starts the encoder from random weights. */
  encoderWeights: EncoderWeights | null;
}

/**
 * Builds a model whose encoder has the weights named by `encoderWeights` (see `ENCODER_WEIGHTS`) and
 * their preprocessing; the decoder starts from random weights of `seed`. The file is downloaded where
 * it is not in the cache folder yet. With null it is {@link createModel}.
 *
 * @throws {RangeError} as `createModel`, and for weights that the encoder does not have
 * @throws {WeightsUnavailableError} when the file cannot be had
 *
 * @example
 * ```ts
 * import { createPretrainedModel } from "crypts/model";
 *
 * const model = await createPretrainedModel({
 *   architecture: "Unet",
 *   encoder: "timm-tf_efficientnet_lite0",
 *   encoderWeights: "imagenet",
 *   seed: 0,
 * });
 * console.log(model.preprocessing.mean); // [0.5, 0.5, 0.5]
 * model.dispose();
 * ```
 */
export async function createPretrainedModel(
  config: PretrainedConfig,
  options: FetchOptions = {},
): Promise<GraphModel> {
  const { encoderWeights, ...rest } = config;
  if (encoderWeights === null) return createModel(rest);
  const source = weightsSource(config.encoder, encoderWeights);
  const path = await fetchWeights(
    source,
    `the "${encoderWeights}" weights of ${config.encoder}`,
    options,
  );
  const model = createModel({ preprocessing: source.preprocessing, ...rest });
  try {
    const { scope } = await loadWeights(model, path);
    if (scope !== "encoder") throw new Error(`${path} holds a whole model instead of an encoder`);
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
