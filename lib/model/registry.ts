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

/** Builds a decoder from the encoder's channels, the decoder's widths and whether it has batch norm. */
export type DecoderBuilder = (
  build: LayerBuilder,
  encoder: number[],
  widths: number[],
  batchNorm: boolean,
) => Decoder;

/** Builds an encoder by name, for input channels, depth and padding. */
export type EncoderBuilder = (
  build: LayerBuilder,
  name: string,
  inChannels: number,
  depth: number,
  padding: Padding,
) => Encoder;

/** Decoder and kernel size of the segmentation head by architecture. */
export const ARCHITECTURES: Record<string, { decoder: DecoderBuilder; headKernel: number }> = {
  Unet: { decoder: buildUnet, headKernel: 3 },
  UnetPlusPlus: { decoder: buildUnetPlusPlus, headKernel: 3 },
  Linknet: { decoder: buildLinknet, headKernel: 1 },
  MAnet: { decoder: buildManet, headKernel: 3 },
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
