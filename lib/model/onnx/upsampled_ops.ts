/** ONNX operations for ONNX Runtime: convolutions of upsampled maps as transposed ones. */
import type { Activation } from "../graph.ts";
import type { BatchNorm, Conv } from "../layers.ts";
import { folded, OnnxOps } from "./onnx_ops.ts";

/** Channels a convolution must give: with fewer, putting the sums together takes what they save. */
const LEAST_CHANNELS = 64;

/**
 * A 3 x 3 convolution of a map that was doubled by its nearest neighbours adds the same value up to
 * four times; a 4 x 4 transposed convolution of the small map with the sums of the weights gives the
 * same with 4 products in place of 9. Of a concatenation, the upsampled part becomes that and the
 * rest stays a convolution; both are added. Other readers get the plain graph: this one is the
 * faster where transposed convolutions are matrix products.
 */
export class UpsampledOps extends OnnxOps {
  /** Channels of values, where they are known. */
  private readonly channels = new Map<string, number>();
  /** What an upsampled value was before. */
  private readonly sources = new Map<string, string>();
  private readonly joined = new Map<string, readonly string[]>();

  override upsample(x: string): string {
    const y = super.upsample(x);
    this.sources.set(y, x);
    return y;
  }

  override concat(xs: string[]): string {
    const y = super.concat(xs);
    this.joined.set(y, xs);
    return y;
  }

  override add(a: string, b: string): string {
    return this.keep(super.add(a, b), this.channels.get(a));
  }

  override relu(x: string): string {
    return this.keep(super.relu(x), this.channels.get(x));
  }

  override convNorm(x: string, conv: Conv, norm: BatchNorm | null, activation: Activation): string {
    const [first, ...rest] = this.joined.get(x) ?? [x], source = this.sources.get(first);
    const inner = source === undefined ? undefined : this.channels.get(source);
    const { kernel, stride, pad, layout, outChannels } = conv;
    const fits = kernel === 3 && stride === 1 && (pad === 1 || pad === "same") &&
      layout === "conv" && outChannels >= LEAST_CHANNELS;
    if (source === undefined || inner === undefined || !fits) {
      return this.keep(super.convNorm(x, conv, norm, activation), outChannels);
    }
    const sum = this.transposed(source, inner, rest, conv, norm);
    return this.keep(activation === "none" ? sum : this[activation](sum), outChannels);
  }

  /** The convolution of `source`, upsampled, joined with `rest`. */
  private transposed(
    source: string,
    inner: number,
    rest: readonly string[],
    conv: Conv,
    norm: BatchNorm | null,
  ): string {
    const { graph } = this, { name, inChannels, outChannels } = conv;
    const { filter, bias } = folded(conv, norm, this.weights);
    const offset = bias ? [graph.weight(`${name}.bias`, [outChannels], bias)] : [];
    const shape = [inner, outChannels, 4, 4];
    const sums = graph.weight(`${name}.sums`, shape, weightSums(filter, conv, inner));
    const doubled = graph.node(
      "ConvTranspose",
      [source, sums, ...(rest.length === 0 ? offset : [])],
      { kernel_shape: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] },
      name,
    );
    if (rest.length === 0) return doubled;
    const others = inChannels - inner, size = 9 * others;
    const kept = new Float32Array(outChannels * size);
    for (let o = 0; o < outChannels; o++) {
      kept.set(filter.subarray((o * inChannels + inner) * 9, (o + 1) * inChannels * 9), o * size);
    }
    const beside = graph.node(
      "Conv",
      [
        rest.length === 1 ? rest[0] : super.concat([...rest]),
        graph.weight(`${name}.weight`, [outChannels, others, 3, 3], kept),
        ...offset,
      ],
      { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] },
      name,
    );
    return super.add(beside, doubled);
  }

  private keep(y: string, channels: number | undefined): string {
    if (channels !== undefined) this.channels.set(y, channels);
    return y;
  }
}

/**
 * The 4 x 4 filter [inner, out, 4, 4] whose transposed convolution with stride 2 is the 3 x 3 one of the
 * doubled map: offset a of an output from its source's first pixel less one takes, for both copies t of
 * the pixel, the weight t - a + 2.
 */
function weightSums(filter: Float32Array, conv: Conv, inner: number): Float32Array {
  const { inChannels, outChannels } = conv, sums = new Float32Array(inner * outChannels * 16);
  const inside = (k: number) => k >= 0 && k < 3;
  for (let c = 0; c < inner; c++) {
    for (let o = 0; o < outChannels; o++) {
      const from = (o * inChannels + c) * 9, to = (c * outChannels + o) * 16;
      for (let e = 0; e < 16; e++) {
        let sum = 0;
        for (let t = 0; t < 4; t++) {
          const row = (t >> 1) - (e >> 2) + 2, column = (t & 1) - (e & 3) + 2;
          if (inside(row) && inside(column)) sum += filter[from + 3 * row + column];
        }
        sums[to + e] = sum;
      }
    }
  }
  return sums;
}
