/** The table of a model's layers. */
import type { GraphModel, Ops } from "./graph.ts";
import type { Conv } from "./layers.ts";
import type { LayerSummary } from "./types.ts";

const SIDE = 512;

/** A feature map's shape without the batch: height, width, channels. */
type Shape = [number, number, number];

/**
 * One row a layer with parameters, in the order they run (batch norms follow their convolution),
 * shapes for a 512 x 512 input; then one row for the parameters that are never run, if any.
 */
export function summarize(model: GraphModel): LayerSummary[] {
  const rows: LayerSummary[] = [];
  const count = (prefix: string) =>
    ["weight", "bias"].reduce(
      (sum, part) => sum + (model.parameters.get(`${prefix}.${part}`)?.variable.size ?? 0),
      0,
    );
  const row = (name: string, output: Shape) =>
    rows.push({ layer: name, output: [...output], parameters: count(name) });
  const conv = (x: Shape, layer: Conv): Shape => {
    const scale = layer.layout === "transposed" ? layer.stride : 1 / layer.stride;
    const y: Shape = [x[0] * scale, x[1] * scale, layer.outChannels];
    row(layer.name, y);
    return y;
  };
  const same = (x: Shape) => x;
  const ops: Ops<Shape> = {
    conv,
    convNorm(x, layer, norm) {
      const y = conv(x, layer);
      if (norm) row(norm.name, y);
      return y;
    },
    relu: same,
    relu6: same,
    sigmoid: same,
    swish: same,
    add: same,
    channelScale: same,
    pixelScale: same,
    concat: (xs) => [xs[0][0], xs[0][1], xs.reduce((sum, x) => sum + x[2], 0)],
    upsample: (x) => [2 * x[0], 2 * x[1], x[2]],
    maxPool: (x) => [x[0] / 2, x[1] / 2, x[2]],
    globalAverage: (x) => [1, 1, x[2]],
    dropConnect: same,
    positionAttention: same,
  };
  model.run(ops, [SIDE, SIDE, model.config.inChannels]);
  const unused = model.parameterCount - rows.reduce((sum, r) => sum + r.parameters, 0);
  if (unused > 0) {
    rows.push({ layer: "(not used in the forward pass)", output: [], parameters: unused });
  }
  return rows;
}
