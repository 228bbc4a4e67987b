/** The operations as ONNX nodes (NCHW), batch norm folded into the convolution before it. */
import type { Activation, Ops } from "../graph.ts";
import type { BatchNorm, Conv } from "../layers.ts";
import type { OnnxGraph } from "./graph.ts";

/** Values of parameters in PyTorch's order, by state_dict name. */
export type WeightValues = ReadonlyMap<string, Float32Array>;

/** Writes an architecture into `graph`; a feature map is the name of an ONNX value. */
export class OnnxOps implements Ops<string> {
  /** @param bottleneck height and width of the deepest feature map, where the input's sides are fixed */
  constructor(
    protected readonly graph: OnnxGraph,
    protected readonly weights: WeightValues,
    private readonly bottleneck?: readonly number[],
  ) {}

  conv(x: string, conv: Conv): string {
    return this.convNorm(x, conv, null, "none");
  }

  convNorm(x: string, conv: Conv, norm: BatchNorm | null, activation: Activation): string {
    const { name, inChannels, outChannels, kernel, stride } = conv;
    const { filter, bias } = folded(conv, norm, this.weights);
    const depthwise = conv.layout === "depthwise";
    const shape = conv.layout === "transposed"
      ? [inChannels, outChannels, kernel, kernel]
      : [outChannels, depthwise ? 1 : inChannels, kernel, kernel];
    const inputs = [x, this.graph.weight(`${name}.weight`, shape, filter)];
    if (bias) inputs.push(this.graph.weight(`${name}.bias`, [outChannels], bias));
    const y = this.graph.node(
      conv.layout === "transposed" ? "ConvTranspose" : "Conv",
      inputs,
      {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: padding(conv),
        ...(depthwise ? { group: outChannels } : {}),
      },
      name,
    );
    return activation === "none" ? y : this[activation](y);
  }

  relu(x: string): string {
    return this.graph.node("Relu", [x]);
  }
  relu6(x: string): string {
    const [low, high] = [0, 6].map((bound) => this.graph.scalar(bound));
    return this.graph.node("Clip", [x, low, high]);
  }
  sigmoid(x: string): string {
    return this.graph.node("Sigmoid", [x]);
  }
  swish(x: string): string {
    return this.graph.node("Mul", [x, this.sigmoid(x)], {}, "swish");
  }
  /**
   * Softmax over `classes` channels in operations that work on whole planes: ONNX Runtime's own along
   * channels turns the array twice and took up to a seventh of a model's time.
   */
  softmax(x: string, classes: number): string {
    const { graph } = this;
    const planes = (all: string) =>
      Array.from(
        { length: classes },
        (_, c) => graph.node("Slice", [all, ...[[c], [c + 1], [1]].map((v) => graph.constant(v))]),
      );
    if (classes === 2) {
      const [zero, one] = planes(x), ahead = graph.node("Sub", [one, zero]);
      return this.concat([graph.node("Neg", [ahead]), ahead].map((v) => this.sigmoid(v)));
    }
    // Counted from the highest, so that nothing overflows.
    const shifted = graph.node("Sub", [x, graph.node("Max", planes(x))]);
    const powers = graph.node("Exp", [shifted]);
    return graph.node("Div", [powers, graph.node("Sum", planes(powers))]);
  }
  add(a: string, b: string): string {
    return this.graph.node("Add", [a, b]);
  }
  channelScale(x: string, gate: string): string {
    return this.graph.node("Mul", [x, gate]);
  }
  pixelScale(x: string, gate: string): string {
    return this.graph.node("Mul", [x, gate]);
  }
  concat(xs: string[]): string {
    return this.graph.node("Concat", xs, { axis: 1 });
  }
  upsample(x: string): string {
    return this.graph.node("Resize", [x, "", this.graph.constant([1, 1, 2, 2], true)], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    });
  }
  maxPool(x: string): string {
    return this.graph.node("MaxPool", [x], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    });
  }
  globalAverage(x: string): string {
    return this.graph.node("GlobalAveragePool", [x]);
  }
  dropConnect(x: string): string {
    return x;
  }

  positionAttention(x: string, top: string, center: string, bottom: string): string {
    const { graph } = this;
    // One image of known sides: shapes are written as they are, which readers without Shape need.
    const pixels = this.bottleneck?.reduce((a, b) => a * b);
    const flat = (value: string) =>
      graph.node("Reshape", [value, graph.constant(pixels ? [1, -1, pixels] : [0, 0, -1])]);
    const turned = (value: string) => graph.node("Transpose", [flat(value)], { perm: [0, 2, 1] });
    const pairs = graph.node("MatMul", [turned(center), flat(top)]);
    const all = graph.node("Reshape", [pairs, graph.constant(pixels ? [1, -1] : [0, -1])]);
    const shares = graph.node("Softmax", [all], { axis: 1 });
    const square = pixels ? graph.constant([1, pixels, pixels]) : graph.node("Shape", [pairs]);
    const map = graph.node("Reshape", [shares, square]);
    const attended = graph.node("MatMul", [map, turned(bottom)]);
    const whole = this.bottleneck
      ? graph.constant([1, -1, ...this.bottleneck])
      : graph.node("Shape", [x]);
    return this.add(x, graph.node("Reshape", [attended, whole]));
  }
}

/**
 * Padding as top, left, bottom, right. TensorFlow's "same" depends on the input's size only through
 * its remainder by the stride, and every input of a strided layer here is a multiple of it.
 */
function padding({ kernel, stride, pad, layout }: Conv): number[] {
  if (pad !== "same") return [pad, pad, pad, pad];
  const total = layout === "transposed" ? kernel - stride : Math.max(kernel - stride, 0);
  const before = Math.floor(total / 2);
  return [before, before, total - before, total - before];
}

/** Filter and bias with the norm's running statistics folded in (computed in float64). */
export function folded(
  conv: Conv,
  norm: BatchNorm | null,
  weights: WeightValues,
): { filter: Float32Array; bias: Float32Array | null } {
  const filter = weights.get(`${conv.name}.weight`)!;
  const bias = weights.get(`${conv.name}.bias`) ?? null;
  if (!norm) return { filter, bias };
  const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"]
    .map((part) => weights.get(`${norm.name}.${part}`)!);
  const scale = Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + norm.epsilon));
  const taps = conv.kernel * conv.kernel;
  const channel = conv.layout === "transposed"
    ? (i: number) => Math.floor(i / taps) % conv.outChannels
    : (i: number) => Math.floor(i / (filter.length / conv.outChannels));
  return {
    filter: filter.map((w, i) => w * scale[channel(i)]),
    bias: Float32Array.from(scale, (s, c) => beta[c] + s * ((bias?.[c] ?? 0) - mean[c])),
  };
}
