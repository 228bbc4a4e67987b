/**
 * 3 x 3 convolutions with stride 1 by Winograd's filtering (winograd_forward.cc, winograd_filter.cc).
 *
 * Where it pays is measured against oneDNN's direct sums: 47 sizes on two cores of an AMD EPYC, from 2 x 2
 * to 512 x 512 pixels and from 2 to 2048 channels.
 */
import { execute } from "./addon.ts";
import {
  executeWithEnding,
  type Info,
  int,
  isPlain,
  type OwnConvolution,
  padsOf,
  type Pass,
} from "./own_convolution.ts";

/** Tiles of 4 x 4 outputs: with fewer, evaluating the filter costs more than is saved. */
const TILES = 8;
/** With a smaller share of the tiles' pixels inside the image, the direct sums are fewer. */
const FILLED = 0.3;
/** Fewer channels leave the vectors of the evaluated tiles almost empty. */
const CHANNELS = 3;
/** Pairs of input and output channels: the filter gradient's products take 144 bytes for each. */
const MOST_PAIRS = 2 ** 18;

function pays(info: Info, pass: Pass): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, batchSize } = info;
  const is3x3 = filterHeight === 3 && filterWidth === 3 && strideHeight === 1 && strideWidth === 1;
  if (!isPlain(info) || !is3x3 || Math.max(...padsOf(info)) > 2) return false;
  const { inChannels, outChannels } = info;
  if (pass === "filter gradient" && inChannels * outChannels > MOST_PAIRS) return false;
  const back = pass === "input gradient";
  const height = back ? info.inHeight : info.outHeight;
  const width = back ? info.inWidth : info.outWidth;
  const tiles = batchSize * Math.ceil(height / 4) * Math.ceil(width / 4);
  const filled = batchSize * height * width / (16 * tiles);
  return tiles >= TILES && filled >= FILLED &&
    (back ? outChannels : inChannels) >= CHANNELS;
}

/** `filter` is [3, 3, in, out]. */
export const winograd: OwnConvolution = {
  pays,
  convolve(addon, x, filter, info, ending) {
    const how = [int(addon, "pads", padsOf(info)), int(addon, "flipped", 0)];
    return executeWithEnding(addon, "CryptsConv3x3", how, [x, filter], ending);
  },
  // A convolution with the flipped, transposed filter.
  inputGradient(addon, dy, filter, info) {
    const back = padsOf(info).map((pad) => 2 - pad);
    const how = [int(addon, "pads", back), int(addon, "flipped", 1)];
    return execute("CryptsConv3x3", how, [dy, filter], 1)[0];
  },
  filterGradient(addon, x, dy, info) {
    const how = [int(addon, "pads", padsOf(info))];
    return execute("CryptsConv3x3FilterGrad", how, [x, dy], 1)[0];
  },
};
