/**
 * The native backend's fused kernels beside the same work in TensorFlow's own operations, in one run.
 *
 *     deno run -A bench/fused.ts
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Addon, type Attribute, execute, selectBackend } from "crypts/backend";
import { adamStep, type AdamStepAttrs, Fused, runFused } from "crypts/tensor";
import { printMachine, printTable, time } from "./machine.ts";

type Size4 = [number, number, number, number];
const EPSILON = 1e-3;
const REPEATS = 40;
/** Activations of EfficientNet-B0 at 128 px, batch 8, and of the decoder. */
const SHAPES: Size4[] = [[8, 64, 64, 96], [8, 64, 64, 32], [8, 128, 128, 16], [8, 16, 16, 240]];
const ADAM_SIZES = [1 << 12, 1 << 18, 1 << 20];

printMachine();
const { line } = await selectBackend("tfjs-node");
console.log(`## ${line}\n`);
const { binding } = tf.engine().backend as unknown as {
  binding: Addon & { TF_ATTR_BOOL: number };
};
const rows = [["milliseconds", "TensorFlow's operations", "fused", "ratio"]];
for (const shape of SHAPES) await benchNormalization(shape);
for (const size of ADAM_SIZES) await benchAdam(size);
printTable(rows);

async function compare(what: string, plain: () => tf.Tensor[], fused: () => tf.Tensor[]) {
  // Operations of the native backend are done when they return.
  const run = (f: () => tf.Tensor[]) =>
    time(() => Promise.resolve(tf.dispose(tf.tidy(f))), REPEATS);
  const [before, after] = [await run(plain), await run(fused)];
  rows.push([what, before.toFixed(2), after.toFixed(2), (after / before).toFixed(2)]);
}

async function benchNormalization(shape: Size4): Promise<void> {
  const channels = shape[3];
  const x = tf.randomNormal(shape);
  const dy = tf.randomNormal(shape);
  const gamma = tf.ones([channels]);
  const beta = tf.zeros([channels]);
  const none = tf.tensor1d([]);
  const { TF_ATTR_TYPE, TF_ATTR_FLOAT, TF_ATTR_BOOL, TF_ATTR_STRING, TF_FLOAT } = binding;
  const attributes: Attribute[] = [
    { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "U", type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: "epsilon", type: TF_ATTR_FLOAT, value: EPSILON },
    { name: "is_training", type: TF_ATTR_BOOL, value: true },
    { name: "data_format", type: TF_ATTR_STRING, value: "NHWC" },
  ];
  const normalize = () => execute("FusedBatchNormV3", attributes, [x, gamma, beta, none, none], 6);
  const attrs = { epsilon: EPSILON, activation: "swish" };
  await compare(
    `batch norm + swish [${shape}]`,
    () => {
      const [z] = normalize();
      return [tf.mul(z, tf.sigmoid(z))];
    },
    () => runFused<tf.Tensor[]>(Fused.BatchNormTrain, { x, gamma, beta }, attrs),
  );
  const saved = normalize();
  const [, mean, variance] = runFused<tf.Tensor[]>(Fused.BatchNormTrain, { x, gamma, beta }, attrs);
  await compare(
    "  its gradient",
    () => {
      // z is kept from the forward pass, as TensorFlow's own gradient would.
      const s = tf.sigmoid(saved[0]);
      const dz = tf.mul(dy, tf.mul(s, tf.add(1, tf.mul(saved[0], tf.sub(1, s)))));
      return execute("FusedBatchNormGradV3", attributes, [dz, x, gamma, ...saved.slice(3)], 5);
    },
    () =>
      runFused<tf.Tensor[]>(
        Fused.BatchNormTrainGrad,
        { x, gamma, beta, mean, variance, dy },
        attrs,
      ),
  );
  tf.dispose([x, dy, gamma, beta, none, mean, variance, ...saved]);
}

async function benchAdam(size: number): Promise<void> {
  const [p, g, m] = [0, 1, 2].map(() => tf.randomNormal([size]));
  const v = tf.square(m);
  const attrs: AdamStepAttrs = {
    ...{ beta1: 0.95, beta2: 0.999, epsilon: 1e-5, rate: 1e-3 },
    ...{ decay: 0.9999, rootScale: 1, adaptive: true },
  };
  await compare(
    `Adam step, ${size} values`,
    () => {
      const mean = tf.add(tf.mul(m, attrs.beta1), tf.mul(g, 1 - attrs.beta1));
      const square = tf.add(tf.mul(v, attrs.beta2), tf.mul(tf.square(g), 1 - attrs.beta2));
      const change = tf.mul(tf.div(mean, tf.add(tf.sqrt(square), attrs.epsilon)), attrs.rate);
      return [tf.sub(tf.mul(p, attrs.decay), change), mean, square];
    },
    () => adamStep(p, g, m, v, attrs),
  );
  tf.dispose([p, g, m, v]);
}
