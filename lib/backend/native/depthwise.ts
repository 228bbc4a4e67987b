/**
 * Depthwise convolutions of 3 x 3 and 5 x 5 with stride 1 or 2 (depthwise.cc). TensorFlow's filter gradient
 * of 5 x 5 runs without vectors: these are ten times as fast.
 */
import { execute } from "./addon.ts";
import {
  executeWithEnding,
  type Info,
  int,
  isPlain,
  type OwnConvolution,
  padsOf,
} from "./own_convolution.ts";

/** Lanes of the widest vectors: the kernels take at least one whole vector of channels. */
const CHANNELS = 16;

/** The attributes of the kernels. */
function attributes(
  addon: Parameters<OwnConvolution["convolve"]>[0],
  info: Info,
  pads: number[],
  flipped: number,
) {
  return [
    int(addon, "window", [info.filterHeight, info.filterWidth]),
    int(addon, "strides", [info.strideHeight, info.strideWidth]),
    int(addon, "pads", pads),
    int(addon, "flipped", flipped),
  ];
}

/** `filter` is [3 or 5, 3 or 5, channels, 1]. */
export const depthwise: OwnConvolution = {
  pays(info, pass) {
    const { filterHeight, filterWidth, strideHeight, strideWidth, inChannels, outChannels } = info;
    if (!isPlain(info) || outChannels !== inChannels || inChannels < CHANNELS) return false;
    const taps = filterHeight === filterWidth && (filterWidth === 3 || filterWidth === 5);
    const largest = Math.max(strideHeight, strideWidth);
    // The gradient by the image is a convolution with the flipped filter: with stride 1, and no more
    // padding than the filter reaches.
    return pass === "input gradient"
      ? taps && largest === 1 && Math.max(...padsOf(info)) < filterWidth
      : taps && largest <= 2 && Math.max(...padsOf(info)) < filterWidth;
  },
  convolve(addon, x, filter, info, ending) {
    const how = attributes(addon, info, padsOf(info), 0);
    return executeWithEnding(addon, "CryptsDepthwise", how, [x, filter], ending);
  },
  inputGradient(addon, dy, filter, info) {
    const back = padsOf(info).map((pad) => info.filterWidth - 1 - pad);
    return execute("CryptsDepthwise", attributes(addon, info, back, 1), [dy, filter], 1)[0];
  },
  filterGradient(addon, x, dy, info) {
    const how = attributes(addon, info, padsOf(info), 0);
    return execute("CryptsDepthwiseFilterGrad", how, [x, dy], 1)[0];
  },
};
