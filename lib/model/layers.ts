/** Layer descriptions: which variables a layer owns, under which state_dict names. */
import * as tf from "@tensorflow/tfjs-core";
import type { Random } from "../base/mod.ts";
import { fromTorchShape, type Layout } from "./layout.ts";
import type { Parameter } from "./types.ts";

/** A convolution, depthwise or transposed convolution. */
export interface Conv {
  name: string;
  layout: "conv" | "depthwise" | "transposed";
  inChannels: number;
  outChannels: number;
  kernel: number;
  stride: number;
  /** "same" is TensorFlow's rule, a number is PyTorch's symmetric padding. */
  pad: "same" | number;
  filter: tf.Variable;
  bias: tf.Variable | null;
}

/** A batch normalization. `momentum` is PyTorch's: the weight of the new batch. */
export interface BatchNorm {
  name: string;
  channels: number;
  epsilon: number;
  momentum: number;
  gamma: tf.Variable;
  beta: tf.Variable;
  mean: tf.Variable;
  variance: tf.Variable;
  batches: tf.Variable;
}

/**
 * How filters start: "torch" (nn.Conv2d's default), "he-normal" (torchvision's ResNet),
 * "decoder" (smp's initialize_decoder), "head" (smp's initialize_head).
 */
export type Start = "torch" | "he-normal" | "decoder" | "head";

/** Options of {@link LayerBuilder.conv}. */
export interface ConvOptions {
  stride?: number;
  pad?: "same" | number;
  bias?: boolean;
  depthwise?: boolean;
  transposed?: boolean;
  start?: Start;
}

/** Makes the variable of a parameter; `draw` gives its initial values one by one. */
export type Allocate = (
  name: string,
  shape: number[],
  trainable: boolean,
  draw: () => number,
) => tf.Variable;

let models = 0;

/** Live variables, drawn from the layers' initial distributions or (`zeros`) left at zero. */
export function allocateVariables(zeros: boolean): Allocate {
  const prefix = `model${models++}`;
  return (name, shape, trainable, draw) =>
    tf.tidy(() => {
      if (zeros) return tf.variable(tf.zeros(shape), trainable, `${prefix}/${name}`);
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      for (let i = 0; i < values.length; i++) values[i] = draw();
      return tf.variable(tf.tensor(values, shape), trainable, `${prefix}/${name}`);
    });
}

/** Makes layers in the order of the reference's state_dict and remembers every parameter. */
export class LayerBuilder {
  readonly parameters = new Map<string, Parameter>();

  constructor(private readonly random: Random, private readonly allocate: Allocate) {}

  /** A convolution of `kernel` x `kernel`; values of each filter come from a stream of its own name. */
  conv(name: string, inputs: number, outputs: number, kernel: number, options: ConvOptions = {}) {
    const layout = options.transposed ? "transposed" : options.depthwise ? "depthwise" : "conv";
    const start = options.start ?? "torch";
    const shape = layout === "transposed"
      ? [inputs, outputs, kernel, kernel]
      : [outputs, layout === "depthwise" ? 1 : inputs, kernel, kernel];
    const fanIn = shape[1] * kernel * kernel;
    const fanOut = shape[0] * kernel * kernel;
    const random = this.random.fork(name);
    const bound = start === "decoder"
      ? Math.sqrt(6 / fanIn)
      : start === "head"
      ? Math.sqrt(6 / (fanIn + fanOut))
      : 1 / Math.sqrt(fanIn);
    const deviation = Math.sqrt(2 / fanOut);
    const draw = start === "he-normal"
      ? () => random.normal(0, deviation)
      : () => random.uniform(-bound, bound);
    const filter = this.add(`${name}.weight`, shape, layout, draw);
    const bias = options.bias
      ? this.add(
        `${name}.bias`,
        [outputs],
        "plain",
        start === "torch" ? () => random.uniform(-bound, bound) : () => 0,
      )
      : null;
    const conv: Conv = {
      name,
      layout,
      inChannels: inputs,
      outChannels: outputs,
      kernel,
      stride: options.stride ?? 1,
      pad: options.pad ?? "same",
      filter,
      bias,
    };
    return conv;
  }

  /** Batch norm with PyTorch's defaults unless told otherwise. */
  batchNorm(name: string, channels: number, epsilon = 1e-5, momentum = 0.1): BatchNorm {
    return {
      name,
      channels,
      epsilon,
      momentum,
      gamma: this.add(`${name}.weight`, [channels], "plain", () => 1),
      beta: this.add(`${name}.bias`, [channels], "plain", () => 0),
      mean: this.add(`${name}.running_mean`, [channels], "plain", () => 0, false),
      variance: this.add(`${name}.running_var`, [channels], "plain", () => 1, false),
      batches: this.add(`${name}.num_batches_tracked`, [], "plain", () => 0, false),
    };
  }

  private add(
    name: string,
    torchShape: number[],
    layout: Layout,
    draw: () => number,
    trainable = true,
  ): tf.Variable {
    const variable = this.allocate(name, fromTorchShape(torchShape, layout), trainable, draw);
    this.parameters.set(name, { name, torchShape, layout, trainable, variable });
    return variable;
  }
}
