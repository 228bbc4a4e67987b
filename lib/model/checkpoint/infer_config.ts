/** Which model a state_dict is of, from its names and shapes. */
import { listEncoders } from "../registry.ts";
import type { NamedTensor } from "../safetensors.ts";
import { describeParameters } from "../segmentation_model.ts";
import type { ModelConfig } from "../types.ts";

type Tensors = ReadonlyMap<string, NamedTensor>;

/**
 * The configuration of the model that `tensors` (names as in segmentation_models_pytorch) belong to.
 * An activation leaves no trace in a state_dict and is taken as none.
 *
 * @throws {RangeError} when it is no whole model, or none that this project knows
 */
export function inferConfig(tensors: Tensors): ModelConfig {
  const shape = (name: string) => tensors.get(name)?.shape;
  const head = shape("segmentation_head.0.weight");
  const stem = shape("encoder._conv_stem.weight") ?? shape("encoder.conv1.weight");
  if (!head || !stem) {
    throw new RangeError(
      "it is no whole segmentation model (no segmentation_head.0.weight, or no encoder with " +
        "_conv_stem or conv1)",
    );
  }
  const architecture = architectureOf(tensors);
  const inChannels = stem[1];
  const encoder = encoderOf(tensors, inChannels);
  const [first, last] = architecture === "UnetPlusPlus"
    ? ["decoder.blocks.x_0_", ".conv2.0.weight"]
    : architecture === "Linknet"
    ? ["decoder.blocks.", ".block.2.0.weight"]
    : ["decoder.blocks.", ".conv2.0.weight"];
  const widths: number[] = [];
  for (let found = shape(`${first}0${last}`); found; found = shape(first + widths.length + last)) {
    widths.push(found[0]);
  }
  return {
    architecture,
    encoder,
    classes: head[0],
    inChannels,
    encoderDepth: widths.length,
    decoderBatchNorm: [...tensors.keys()].some((n) => /^decoder\..*\.running_mean$/.test(n)),
    ...(architecture === "Linknet" ? {} : { decoderChannels: widths }),
  };
}

function architectureOf(tensors: Tensors): string {
  if (tensors.has("decoder.blocks.x_0_0.conv1.0.weight")) return "UnetPlusPlus";
  if (tensors.has("decoder.center.top_conv.weight")) return "MAnet";
  if (tensors.has("decoder.blocks.0.block.0.0.weight")) return "Linknet";
  return "Unet";
}

/** The encoder whose parameters are those of `tensors`, shape by shape. */
function encoderOf(tensors: Tensors, inChannels: number): string {
  const encoder = listEncoders().find((name) =>
    describeParameters({ architecture: "Linknet", encoder: name, inChannels })
      .filter((p) => p.name.startsWith("encoder.") && !p.name.endsWith("num_batches_tracked"))
      .every((p) => tensors.get(p.name)?.shape.join() === p.torchShape.join())
  );
  if (encoder) return encoder;
  throw new RangeError(`its encoder is none of ${listEncoders().join(", ")}`);
}
