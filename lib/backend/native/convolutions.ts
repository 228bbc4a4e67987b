/**
 * Convolutions with any padding. tfjs-node knows only "same" and "valid" for their gradients, while
 * PyTorch's models pad by numbers; TensorFlow itself has explicit paddings. On the CPU they run by
 * kernels of our own where these are faster.
 */
import * as tf from "@tensorflow/tfjs-core";
import { activate as activateNorm, Fused, type NormActivation } from "../../tensor/mod.ts";
import { type Addon, execute } from "./addon.ts";
import { depthwise } from "./depthwise.ts";
import type { Ending, Info, OwnConvolution, Pass } from "./own_convolution.ts";
import { pointwise } from "./pointwise.ts";
import { type Inputs, replaceKernel } from "./register.ts";
import { winograd } from "./winograd.ts";
import { spatial, windowAttributes } from "./window.ts";

/** What the kernels of convolutions are given; each has some of them. */
interface Attrs {
  strides: [number, number] | number;
  pad: "same" | "valid" | number | tf.backend_util.ExplicitPadding;
  dataFormat?: "NHWC" | "NCHW";
  dilations?: [number, number] | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: number[];
  inputShape: number[];
  activation: tf.backend_util.Activation;
  leakyreluAlpha?: number;
}
type Size4 = [number, number, number, number];

/** The names of one kind of convolution. */
interface Kind {
  forward: string;
  byFilter: string;
  byInput: string;
  fused: string;
  activated: string;
  depthwise: boolean;
  own: OwnConvolution[];
}

const KINDS: Kind[] = [
  {
    forward: tf.Conv2D,
    byFilter: tf.Conv2DBackpropFilter,
    byInput: tf.Conv2DBackpropInput,
    fused: tf.FusedConv2D,
    activated: Fused.ConvActivated,
    depthwise: false,
    own: [winograd, pointwise],
  },
  {
    forward: tf.DepthwiseConv2dNative,
    byFilter: tf.DepthwiseConv2dNativeBackpropFilter,
    byInput: tf.DepthwiseConv2dNativeBackpropInput,
    fused: tf.FusedDepthwiseConv2D,
    activated: Fused.DepthwiseActivated,
    depthwise: true,
    own: [depthwise],
  },
];

/** Replaces tfjs-node's convolutions and their gradients; once a process. */
export function registerConvolutions(addon: Addon): void {
  const cpu = !addon.isUsingGpuDevice();
  for (const kind of KINDS) registerKind(addon, cpu ? kind : { ...kind, own: [] }, cpu);
}

function registerKind(addon: Addon, kind: Kind, cpu: boolean): void {
  const { forward, byFilter, byInput } = kind;
  const ownFor = (info: Info, pass: Pass) => kind.own.find((own) => own.pays(info, pass));
  const attributes = (info: Info) => {
    const dilations = spatial(info, info.dilationHeight, info.dilationWidth);
    return [
      ...windowAttributes(addon, info),
      { name: "dilations", type: addon.TF_ATTR_INT, value: dilations },
    ];
  };
  const convolve = ({ x, filter }: Inputs, attrs: Attrs, ending?: Ending) => {
    const info = convInfo(x.shape, filter.shape, attrs, kind.depthwise);
    const own = ownFor(info, "convolution");
    if (own) return own.convolve(addon, x, filter, info, ending);
    const y = execute(forward, attributes(info), [x, filter], 1)[0];
    return ending ? addEnding(y, ending) : y;
  };

  replaceKernel<Attrs>(forward, (inputs, attrs) => convolve(inputs, attrs));
  replaceKernel<Attrs>(byFilter, ({ x, dy }, attrs) => {
    const info = convInfo(x.shape, attrs.filterShape, attrs, kind.depthwise);
    const own = ownFor(info, "filter gradient");
    if (own) return own.filterGradient(addon, x, dy, info);
    return sized(
      attrs.filterShape,
      (sizes) => execute(byFilter, attributes(info), [x, sizes, dy], 1),
    );
  });
  replaceKernel<Attrs>(byInput, ({ dy, filter }, attrs) => {
    const info = convInfo(attrs.inputShape, filter.shape, attrs, kind.depthwise);
    const own = ownFor(info, "input gradient");
    if (own) return own.inputGradient(addon, dy, filter, info);
    return sized(
      attrs.inputShape,
      (sizes) => execute(byInput, attributes(info), [sizes, filter, dy], 1),
    );
  });
  replaceKernel<Attrs>(
    kind.fused,
    ({ x, filter, bias, preluActivationWeights }, attrs) =>
      tf.tidy(() => {
        let y = convolve({ x, filter }, attrs) as tf.Tensor;
        if (bias) y = tf.add(y, bias as tf.Tensor);
        const prelu = preluActivationWeights as tf.Tensor | undefined;
        return activate(y, attrs.activation, prelu, attrs.leakyreluAlpha);
      }),
  );
  if (!cpu) return;
  replaceKernel<Omit<Attrs, "activation"> & { activation: NormActivation }>(
    kind.activated,
    ({ bias, ...inputs }, { activation, ...attrs }) =>
      convolve(inputs, { ...attrs, activation: "linear" }, { bias, activation }),
  );
}

/** Calls `run` with the shape that TensorFlow wants as a tensor of its own. */
function sized(shape: number[], run: (sizes: tf.Tensor) => tf.TensorInfo[]): tf.TensorInfo {
  const sizes = tf.tensor1d(shape, "int32");
  const [gradient] = run(sizes);
  sizes.dispose();
  return gradient;
}

/** Bias and activation after a convolution of TensorFlow's, whose result is given up. */
function addEnding(convolved: tf.Tensor, { bias, activation }: Ending): tf.Tensor {
  return tf.tidy(() => {
    const z = tf.add(convolved, bias as tf.Tensor);
    convolved.dispose();
    return activateNorm(z, activation);
  });
}

function convInfo(input: number[], filter: number[], attrs: Attrs, depthwise: boolean): Info {
  return tf.backend_util.computeConv2DInfo(
    input as Size4,
    filter as Size4,
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
    tf.backend_util.convertConv2DDataFormat(attrs.dataFormat ?? "NHWC"),
  );
}

function activate(
  y: tf.Tensor,
  activation: tf.backend_util.Activation,
  weights?: tf.Tensor,
  alpha?: number,
): tf.Tensor {
  switch (activation ?? "linear") {
    case "linear":
      return y;
    case "relu":
      return tf.relu(y);
    case "relu6":
      return tf.relu6(y);
    case "elu":
      return tf.elu(y);
    case "sigmoid":
      return tf.sigmoid(y);
    case "prelu":
      return tf.prelu(y, weights!);
    case "leakyrelu":
      return tf.leakyRelu(y, alpha);
    default:
      throw new RangeError(`unknown activation "${activation}" of a fused convolution`);
  }
}
