/** Weights out of a model, by the reference's state_dict names. */
import { CONFIG_KEY, PREPROCESSING_KEY } from "./file_description.ts";
import { toTorch } from "./layout.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { SegmentationModel } from "./types.ts";

/** How {@link saveWeights} writes. */
export interface SaveOptions {
  /** Rounds to float16, which halves the file; default false. */
  half?: boolean;
}

/**
 * Writes every parameter as `.safetensors` under its state_dict name and PyTorch shape, with the
 * configuration, `metadata` and a checksum, whole or not at all.
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
    ...metadata,
    [PREPROCESSING_KEY]: JSON.stringify(model.preprocessing),
    [CONFIG_KEY]: JSON.stringify(model.config),
  });
}
