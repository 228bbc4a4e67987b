/** Which architectures and encoders exist. */
import { buildEfficientNet, EFFICIENTNETS } from "./encoders/efficientnet.ts";
import { buildEfficientNetLite, EFFICIENTNET_LITES } from "./encoders/efficientnet_lite.ts";
import type { Padding } from "./encoders/padding.ts";
import { buildResNet, RESNETS } from "./encoders/resnet.ts";
import type { Decoder, Encoder } from "./graph.ts";
import type { LayerBuilder } from "./layers.ts";
import { buildLinknet } from "./decoders/linknet.ts";
import { buildManet } from "./decoders/manet.ts";
import { buildUnet } from "./decoders/unet.ts";
import { buildUnetPlusPlus } from "./decoders/unetplusplus.ts";

/** Builds a decoder from the encoder's channels, its own widths, whether it has batch norm and attention. */
export type DecoderBuilder = (
  build: LayerBuilder,
  encoder: number[],
  widths: number[],
  batchNorm: boolean,
  attention: boolean,
) => Decoder;

/** Builds an encoder by name, for input channels, depth and padding. */
export type EncoderBuilder = (
  build: LayerBuilder,
  name: string,
  inChannels: number,
  depth: number,
  padding: Padding,
) => Encoder;

/** What an architecture is made of. */
export interface Architecture {
  decoder: DecoderBuilder;
  /** Side of the segmentation head's filters. */
  headKernel: number;
  /** Whether its decoder can have scse attention. */
  attention: boolean;
}

/** Architectures by name. */
export const ARCHITECTURES: Record<string, Architecture> = {
  Unet: { decoder: buildUnet, headKernel: 3, attention: true },
  UnetPlusPlus: { decoder: buildUnetPlusPlus, headKernel: 3, attention: true },
  Linknet: { decoder: buildLinknet, headKernel: 1, attention: false },
  MAnet: { decoder: buildManet, headKernel: 3, attention: false },
};

/** Encoder builders by name. */
export const ENCODERS: Record<string, EncoderBuilder> = Object.fromEntries([
  ...EFFICIENTNETS.map((name) => [name, buildEfficientNet]),
  ...EFFICIENTNET_LITES.map((name) => [name, buildEfficientNetLite]),
  ...RESNETS.map((name) => [name, buildResNet]),
]);

/** Names that `createModel` knows as `architecture`. */
export function listArchitectures(): string[] {
  return Object.keys(ARCHITECTURES);
}

/** Names that `createModel` knows as `encoder`. */
export function listEncoders(): string[] {
  return Object.keys(ENCODERS);
}
