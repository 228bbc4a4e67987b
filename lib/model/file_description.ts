/** Which model a file of weights is of, and whether it computes the same as the model it is read into. */
import { checkPreprocessing, IMAGENET, type Preprocessing } from "../image/mod.ts";
import type { WeightFile } from "./checkpoint/file_tensor.ts";
import { inferConfig, parseConfig, type Shapes } from "./checkpoint/infer_config.ts";
import { completeConfig } from "./config.ts";
import { EFFICIENTNET_LITES } from "./encoders/efficientnet_lite.ts";
import { type Padding, samePadding } from "./encoders/padding.ts";
import { readSmpConfig, type SmpModel } from "./smp_config.ts";
import type { ModelConfig, SegmentationModel } from "./types.ts";

/** The metadata key under which the configuration lies. */
export const CONFIG_KEY = "crypts.config";
/** The metadata key of the preprocessing; files from before it was written take ImageNet's. */
export const PREPROCESSING_KEY = "crypts.preprocessing";

/** How a file's weights are looked for. */
export interface LoadOptions {
  /**
   * What stands before the wanted model's names in the file, e.g. "ema.module."; needed only where the
   * file holds several models.
   */
  prefix?: string;
  /**
   * How the EfficientNet of a state_dict of segmentation_models_pytorch pads, see {@link Padding}; needed
   * where neither the file nor a `config.json` beside it says so.
   */
  padding?: Padding;
  /** Called with each notice, a sentence that names the file; default: a warning on the console. */
  onNotice?: (notice: string) => void;
}

/**
 * Which model a file is of: as its metadata say, or the `config.json` beside it, or its shapes.
 *
 * @throws {Error} naming the file when none of them tells, or a setting is not built
 */
export async function describeFile(
  file: WeightFile,
  shapes: Shapes,
  options: LoadOptions,
): Promise<{ config: ModelConfig; preprocessing?: Preprocessing }> {
  const { path } = file;
  const said = await saidOf(file);
  if (said) {
    const { padding = said.config.padding } = options;
    if (!samePadding(said.config.encoder, padding, said.config.padding)) {
      throw new RangeError(
        `${path} says that its padding is ${said.config.padding}, not ${padding}`,
      );
    }
    return said;
  }
  try {
    const inferred = inferConfig(shapes, [...file.tensors.keys()]);
    const config = completeConfig({ ...inferred, padding: options.padding ?? inferred.padding });
    if (options.padding === undefined) warnOfPadding(path, config, options);
    return { config };
  } catch (cause) {
    throw new Error(`${path} does not say which model it is: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** What the file's metadata, or smp's `config.json` beside it, say; null where neither does. */
async function saidOf({ path, metadata }: WeightFile): Promise<SmpModel | null> {
  const { [CONFIG_KEY]: written, [PREPROCESSING_KEY]: normalized } = metadata;
  if (!written) return await readSmpConfig(path);
  try {
    const preprocessing = normalized ? checkPreprocessing(JSON.parse(normalized), path) : IMAGENET;
    return { config: completeConfig(parseConfig(written)), preprocessing };
  } catch (cause) {
    throw new Error(`${path} does not say which model it is: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Says what is at stake where nothing tells the version of smp that weights come from. */
function warnOfPadding(path: string, { encoder, padding }: ModelConfig, options: LoadOptions) {
  const give = options.onNotice ?? ((notice: string) => console.warn(notice));
  if (/^efficientnet-b[1-7]$/.test(encoder)) {
    give(
      `${path}: nothing says which version of segmentation_models_pytorch ${encoder} was trained ` +
        `with; padding "${padding}" is taken. Weights of another version load as well and give other ` +
        'classes, up to 43% of the pixels with b7: if smp 0.3 or newer wrote it, say padding: "smp-0.3"',
    );
  }
  if (EFFICIENTNET_LITES.includes(encoder)) {
    give(
      `${path}: the names are those of smp's own ${encoder}, so it pads as that ("${padding}"); if the ` +
        'weights were trained with TensorFlow\'s padding, say padding: "tensorflow"',
    );
  }
}

/**
 * That a whole model's weights are meant for `model`'s function, of which shapes say nothing.
 *
 * @throws {RangeError} naming the file and what differs
 */
export async function checkFunction(
  { config, preprocessing }: SegmentationModel,
  file: WeightFile,
  options: LoadOptions,
): Promise<void> {
  const said = await saidOf(file);
  if (!said) return warnOfPadding(file.path, config, options);
  const list: string[] = [];
  if (!samePadding(config.encoder, said.config.padding, config.padding)) {
    list.push(`padding ${said.config.padding} instead of ${config.padding}`);
  }
  const [its, ours] = [said.preprocessing, preprocessing].map((p) => JSON.stringify(p));
  if (its !== ours) list.push(`preprocessing ${its} instead of ${ours}`);
  if (list.length === 0) return;
  throw new RangeError(
    `the weights of ${file.path} were trained with ${list.join(" and ")}: create the model with it`,
  );
}
