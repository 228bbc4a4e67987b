/** A model's configuration, checked and completed. */
import { ACTIVATIONS } from "./activation.ts";
import { FEWEST_CHANNELS } from "./decoders/scse.ts";
import { EFFICIENTNET_LITES } from "./encoders/efficientnet_lite.ts";
import { type Padding, PADDINGS } from "./encoders/padding.ts";
import { ARCHITECTURES, ENCODERS, listArchitectures, listEncoders } from "./registry.ts";
import type { ModelConfig } from "./types.ts";

const WIDTHS = [256, 128, 64, 32, 16];

/**
 * Fills in segmentation_models_pytorch's defaults. Decoder widths left out are cut to the depth.
 *
 * @throws {RangeError} naming what is unknown or does not fit, and what would
 */
export function completeConfig(config: ModelConfig): Required<ModelConfig> {
  if (!Object.hasOwn(ARCHITECTURES, config.architecture)) {
    throw new RangeError(
      `unknown architecture "${config.architecture}"; known: ${listArchitectures().join(", ")}`,
    );
  }
  if (!Object.hasOwn(ENCODERS, config.encoder)) {
    throw new RangeError(
      `unknown encoder "${config.encoder}"; known: ${listEncoders().join(", ")}`,
    );
  }
  const depth = config.encoderDepth ?? 5;
  if (!(Number.isInteger(depth) && depth >= 3 && depth <= 5)) {
    throw new RangeError(`encoderDepth must be 3, 4 or 5, got ${depth}`);
  }
  const widths = config.decoderChannels ?? WIDTHS.slice(0, depth);
  if (widths.length !== depth && config.architecture !== "Linknet") {
    throw new RangeError(
      `decoderChannels needs one width for each of the ${depth} encoder stages, got [${widths}]`,
    );
  }
  const classes = config.classes ?? 2;
  const inChannels = config.inChannels ?? 3;
  for (
    const [name, values] of Object.entries({
      classes: [classes],
      inChannels: [inChannels],
      decoderChannels: widths,
    })
  ) {
    for (const value of values) {
      if (!(Number.isInteger(value) && value > 0)) {
        throw new RangeError(`${name} must be positive integers, got ${values}`);
      }
    }
  }
  const activation = config.activation ?? null;
  if (activation !== null && !Object.hasOwn(ACTIVATIONS, activation)) {
    const known = Object.keys(ACTIVATIONS).join(", ");
    throw new RangeError(`activation must be one of ${known}, or null, got "${activation}"`);
  }
  return {
    architecture: config.architecture,
    encoder: config.encoder,
    classes,
    inChannels,
    encoderDepth: depth,
    decoderChannels: [...widths],
    decoderBatchNorm: config.decoderBatchNorm ?? true,
    decoderAttention: completeAttention(config, widths),
    activation,
    padding: completePadding(config),
  };
}

function completeAttention(
  { architecture, decoderAttention = null }: ModelConfig,
  widths: readonly number[],
): "scse" | null {
  if (decoderAttention === null) return null;
  if (decoderAttention !== "scse") {
    throw new RangeError(`decoderAttention must be "scse" or null, got "${decoderAttention}"`);
  }
  if (!ARCHITECTURES[architecture].attention) {
    const having = listArchitectures().filter((name) => ARCHITECTURES[name].attention);
    throw new RangeError(
      `decoderAttention "scse" is of ${having.join(" and ")}, ${architecture} has none`,
    );
  }
  if (widths.some((width) => width < FEWEST_CHANNELS)) {
    throw new RangeError(
      `decoderAttention "scse" needs decoderChannels of at least ${FEWEST_CHANNELS}, got [${widths}]`,
    );
  }
  return decoderAttention;
}

function completePadding({ encoder, padding }: ModelConfig): Padding {
  const lite = EFFICIENTNET_LITES.includes(encoder);
  if (padding === undefined) return lite ? "tensorflow" : "smp-0.2";
  const known = PADDINGS.filter((name) => lite || name !== "tensorflow");
  if (!known.includes(padding)) {
    throw new RangeError(
      `padding of ${encoder} must be one of ${known.join(", ")}, got "${padding}"`,
    );
  }
  return padding;
}
