/**
 * Fused kernels of the native backend on the CPU, under the names by which `lib/ops` looks for them.
 * They are operations of our own (the `.cc` files here), compiled into the addon: TensorFlow's fused
 * batch normalization knows no swish, and each of its element-wise operations is a pass over memory.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  ADAM_STEP,
  ADAM_STEPS,
  type AdamStepAttrs,
  type AdamStepsAttrs,
  Fused,
  type NormActivation,
} from "../../tensor/mod.ts";
import { type Addon, type Attribute, execute } from "./addon.ts";
import { type Inputs, replaceKernel } from "./register.ts";

/** as `enum Activation` in processor.h. */
const ACTIVATIONS: NormActivation[] = ["none", "relu", "swish"];

/** As `struct AdamNumbers` in elementwise.cc. */
const ADAM_NUMBERS = [
  "beta1",
  "beta2",
  "epsilon",
  "rate",
  "decay",
  "rootScale",
  "adaptive",
  "lookahead",
] as const;

/** Registers every fused kernel; once a process, where TensorFlow runs on the CPU. */
export function registerFusedKernels(addon: Addon): void {
  const float = (name: string, value: unknown): Attribute => (
    { name, type: addon.TF_ATTR_FLOAT, value: value as number }
  );
  const int = (name: string, value: unknown): Attribute => (
    { name, type: addon.TF_ATTR_INT, value: value as number | number[] }
  );
  const normalization = ({ epsilon, activation }: tf.NamedAttrMap) => [
    float("epsilon", epsilon),
    int("activation", ACTIVATIONS.indexOf(activation as unknown as NormActivation)),
  ];
  register(Fused.BatchNormTrain, ["x", "gamma", "beta"], 3, normalization);
  register(
    Fused.BatchNormTrainGrad,
    ["x", "gamma", "beta", "mean", "variance", "dy"],
    3,
    normalization,
  );
  register(
    Fused.RunningStatistics,
    ["mean", "variance", "batches", "batchMean", "batchVariance"],
    3,
    ({ momentum, unbiased }) => [float("momentum", momentum), float("unbiased", unbiased)],
  );
  register(Fused.Swish, ["x"], 1);
  register(Fused.SwishGrad, ["x", "dy"], 1);
  register(Fused.GlobalAverage, ["x"], 1);
  register(Fused.GlobalAverageGrad, ["dy"], 1, ({ shape }) => [int("sides", shape)]);
  register(Fused.ChannelScale, ["x", "gate"], 1);
  register(Fused.ChannelScaleGateGrad, ["x", "dy"], 1);
  const squeezing = ({ activation }: tf.NamedAttrMap) => [
    int("activation", ACTIVATIONS.indexOf(activation as unknown as NormActivation)),
  ];
  register(
    Fused.SqueezeExcite,
    ["x", "reduce", "reduceBias", "widen", "widenBias"],
    2,
    squeezing,
  );
  register(Fused.SqueezeExciteGrad, ["x", "reduce", "widen", "inner", "dy"], 5, squeezing);
  registerUpsampleConcat(int);
  registerAdamSteps(int);
  replaceKernel<{ share: number; tensors: number }>(Fused.Blend, (inputs, { share, tensors }) => {
    const number = tf.scalar(share);
    const all = [...Object.values(inputs), number];
    const results = execute("CryptsBlend", [int("tensors", tensors)], all, tensors);
    number.dispose();
    return results;
  });
}

/** Lets the operation `Crypts<name>` serve as the kernel `name`. */
function register(
  kernelName: string,
  inputNames: string[],
  outputs: number,
  attributesOf: (attrs: tf.NamedAttrMap) => Attribute[] = () => [],
): void {
  replaceKernel<tf.NamedAttrMap>(kernelName, (inputs, attrs) => {
    const tensors = inputNames.map((name) => inputs[name]);
    const results = execute(`Crypts${kernelName}`, attributesOf(attrs), tensors, outputs);
    return outputs === 1 ? results[0] : results;
  });
}

function registerUpsampleConcat(int: (name: string, value: unknown) => Attribute): void {
  replaceKernel<{ channels: number[] }>(Fused.UpsampleConcat, (inputs, { channels }) => {
    const how = [int("skips", channels.length - 1)];
    return execute("CryptsUpsampleConcat", how, Object.values(inputs), 1)[0];
  });
  replaceKernel<{ channels: number[] }>(Fused.UpsampleConcatGrad, ({ dy }, { channels }) => {
    const how = [int("skips", channels.length - 1), int("channels", channels)];
    return execute("CryptsUpsampleConcatGrad", how, [dy], channels.length);
  });
}

/** Its numbers are an input, not attributes: TensorFlow keeps a kernel for every set of attributes. */
function registerAdamSteps(int: (name: string, value: number) => Attribute): void {
  const run = (inputs: tf.TensorInfo[], parameters: number, attrs: Partial<AdamStepsAttrs>) => {
    const slows = Number(attrs.lookahead !== undefined);
    const numbers = tf.tensor1d(ADAM_NUMBERS.map((name) => Number(attrs[name] ?? 0)));
    const results = execute(
      "CryptsAdamSteps",
      [int("parameters", parameters), int("slows", slows)],
      [...inputs, numbers],
      parameters + 2 + slows,
    );
    numbers.dispose();
    return results;
  };
  replaceKernel<AdamStepAttrs>(
    ADAM_STEP,
    ({ p, g, m, v }: Inputs, attrs) => run([p, g, m, v], 1, attrs),
  );
  replaceKernel<AdamStepsAttrs>(
    ADAM_STEPS,
    (inputs, attrs) => run(Object.values(inputs), attrs.parameters, attrs),
  );
}
