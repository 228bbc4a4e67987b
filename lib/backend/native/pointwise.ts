/**
 * 1 x 1 convolutions with stride 1: products of matrices (pointwise.cc), in which each call costs less than
 * oneDNN's, and the arithmetic of small ones, too.
 */
import { execute } from "./addon.ts";
import { executeWithEnding, int, isPlain, type OwnConvolution, padsOf } from "./own_convolution.ts";

/** `filter` is [1, 1, in, out]. */
export const pointwise: OwnConvolution = {
  pays(info) {
    const { filterHeight, filterWidth, strideHeight, strideWidth } = info;
    return isPlain(info) && filterHeight * filterWidth * strideHeight * strideWidth === 1 &&
      padsOf(info).every((pad) => pad === 0);
  },
  convolve(addon, x, filter, _info, ending) {
    const how = [int(addon, "turned", 0)];
    return executeWithEnding(addon, "CryptsPointwise", how, [x, filter], ending);
  },
  inputGradient(addon, dy, filter) {
    return execute("CryptsPointwise", [int(addon, "turned", 1)], [dy, filter], 1)[0];
  },
  filterGradient(_addon, x, dy) {
    return execute("CryptsPointwiseFilterGrad", [], [x, dy], 1)[0];
  },
};
