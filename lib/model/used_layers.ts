/** Which layers a model runs: a walk over its graph without computing. */
import type { Ops } from "./graph.ts";
import type { BatchNorm, Conv } from "./layers.ts";

/** A convolution that the forward pass runs, and the batch norm behind it. */
export interface UsedLayer {
  conv: Conv;
  norm: BatchNorm | null;
}

/** The layers that `run` runs, in order. */
export function usedLayers(run: (ops: Ops<null>) => void): UsedLayer[] {
  const layers: UsedLayer[] = [];
  const nothing = () => null;
  run({
    conv: (_x, conv) => {
      layers.push({ conv, norm: null });
      return null;
    },
    convNorm: (_x, conv, norm) => {
      layers.push({ conv, norm });
      return null;
    },
    relu: nothing,
    relu6: nothing,
    sigmoid: nothing,
    swish: nothing,
    add: nothing,
    channelScale: nothing,
    pixelScale: nothing,
    concat: nothing,
    upsample: nothing,
    maxPool: nothing,
    globalAverage: nothing,
    dropConnect: nothing,
    positionAttention: nothing,
  });
  return layers;
}
