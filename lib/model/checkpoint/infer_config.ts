/** Which model a state_dict is of, from its names and shapes. */
import { completeConfig } from "../config.ts";
import { listEncoders } from "../registry.ts";
import { describeParameters } from "../segmentation_model.ts";
import type { ModelConfig } from "../types.ts";
import { architectureOf } from "./architectures.ts";

/** Shapes by name, as in segmentation_models_pytorch. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * The configuration of the model that `shapes` (names as in segmentation_models_pytorch) belong to.
 * An activation leaves no trace in a state_dict and is taken as none.
 *
 * @param inFile all names of the file, by which models of other libraries are recognized
 * @throws {RangeError} when it is no whole model, or none that this project knows
 */
export function inferConfig(shapes: Shapes, inFile: readonly string[] = []): ModelConfig {
  const architecture = architectureOf([...shapes.keys()]) ?? architectureOf(inFile);
  const head = shapes.get("segmentation_head.0.weight");
  const stem = shapes.get("encoder._conv_stem.weight") ?? shapes.get("encoder.conv_stem.weight") ??
    shapes.get("encoder.conv1.weight");
  if (!head || !stem || architecture === null) {
    throw new RangeError(
      "it is no whole segmentation model of a known kind (no segmentation_head.0.weight, no " +
        "decoder.blocks, or no encoder with _conv_stem or conv1)",
    );
  }
  const inChannels = stem[1];
  const encoder = encoderOf(shapes, inChannels);
  // Under these names the lite encoders are smp's own class, which pads as smp's others do.
  const padding = encoder.includes("lite") ? { padding: "smp-0.2" as const } : {};
  const widths = decoderWidths(shapes, architecture);
  const names = [...shapes.keys()];
  return {
    architecture,
    encoder,
    classes: head[0],
    inChannels,
    ...padding,
    encoderDepth: widths.length,
    decoderBatchNorm: names.some((n) => /^decoder\..*\.running_mean$/.test(n)),
    ...(names.some((n) => /^decoder\..*\.attention[12]\.attention\.cSE\./.test(n))
      ? { decoderAttention: "scse" as const }
      : {}),
    ...(architecture === "Linknet" ? {} : { decoderChannels: widths }),
  };
}

/** The widths of the decoder's blocks. */
function decoderWidths(shapes: Shapes, architecture: string): number[] {
  const [first, last] = architecture === "UnetPlusPlus"
    ? ["decoder.blocks.x_0_", ".conv2.0.weight"]
    : architecture === "Linknet"
    ? ["decoder.blocks.", ".block.2.0.weight"]
    : ["decoder.blocks.", ".conv2.0.weight"];
  const widths: number[] = [];
  for (;;) {
    const found = shapes.get(`${first}${widths.length}${last}`);
    if (!found) return widths;
    widths.push(found[0]);
  }
}

/** The encoder whose parameters are those of `shapes`, one by one. */
function encoderOf(shapes: Shapes, inChannels: number): string {
  const encoder = listEncoders().find((name) =>
    describeParameters({ architecture: "Linknet", encoder: name, inChannels })
      .filter((p) => p.name.startsWith("encoder.") && !p.name.endsWith("num_batches_tracked"))
      .every((p) => shapes.get(p.name)?.join() === p.torchShape.join())
  );
  if (encoder) return encoder;
  throw new RangeError(
    `its encoder is none of ${listEncoders().join(", ")}, or entries of it are missing`,
  );
}

/**
 * A configuration as {@link saveWeights} wrote it, checked.
 *
 * @throws {RangeError} naming what is no configuration, or a setting that this version does not know
 */
export function parseConfig(json: string): ModelConfig {
  let config: unknown;
  try {
    config = JSON.parse(json);
  } catch {
    throw new RangeError("its configuration is not JSON");
  }
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new RangeError(`its configuration is no object: ${json.slice(0, 80)}`);
  }
  const known = completeConfig({ architecture: "Unet", encoder: "resnet18" });
  const unknown = Object.keys(config).filter((key) => !Object.hasOwn(known, key));
  if (unknown.length > 0) {
    throw new RangeError(
      `its configuration has settings that this version does not know: ${unknown.join(", ")}`,
    );
  }
  return completeConfig(config as ModelConfig);
}
