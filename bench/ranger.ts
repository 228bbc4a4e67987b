/**
 * The optimizer's share of a training step: `deno run -A bench/ranger.ts`.
 *
 * Baseline: TensorFlow.js's own Adam (which does less: no Lookahead) on the same gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import { Adam, Ranger } from "crypts/ranger";
import { selectBackend } from "crypts/backend";
import { crossEntropy, hasFusedAdamStep } from "crypts/tensor";
import { createModel } from "crypts/model";
import { createRandom } from "crypts/base";
import { printMachine, printTable, time } from "./machine.ts";

const CASES = [
  { encoder: "efficientnet-b0", side: 128, batch: 8, repeats: 5 },
  { encoder: "efficientnet-b2", side: 256, batch: 2, repeats: 5 },
];
/** A multiple of Lookahead's k, so that the median holds its share. */
const STEPS = 6;

printMachine();
console.log((await selectBackend()).line);
console.log(`adam step: ${hasFusedAdamStep() ? "fused kernel" : "plain operations, packed"}\n`);
const rows = [[
  "Unet",
  "parameters",
  "step ms",
  "Ranger ms",
  "share",
  "Adam ms",
  "tf.train.adam ms",
]];
for (const { encoder, side, batch, repeats } of CASES) {
  const model = createModel({ architecture: "Unet", encoder });
  const random = createRandom(1);
  const values = Float32Array.from({ length: batch * side * side * 3 }, () => random.normal());
  const x = tf.tensor4d(values, [batch, side, side, 3]);
  const target = tf.cast(tf.greater(tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 1]), 0), "int32");
  const mask = tf.reshape(target, [batch, side, side]) as tf.Tensor3D;
  const gradients = () =>
    tf.variableGrads(
      () => crossEntropy(model.forward(x, { training: true, random }), mask),
      model.trainable,
    );
  const { value, grads } = gradients();
  value.dispose();
  const sync = () => model.trainable[0].data();
  const stepsOf = async (optimizer: tf.Optimizer) => {
    const ms = await time(async () => {
      for (let i = 0; i < STEPS; i++) optimizer.applyGradients(grads);
      await sync();
    }, repeats);
    optimizer.dispose();
    return ms / STEPS;
  };
  const ranger = await stepsOf(new Ranger(1e-6, { weightDecay: 1e-4 }));
  const adam = await stepsOf(new Adam(1e-6));
  const theirs = await stepsOf(tf.train.adam(1e-6));
  const whole = new Ranger(1e-6, { weightDecay: 1e-4 });
  const step = await time(async () => {
    const result = gradients();
    await result.value.data();
    whole.applyGradients(result.grads);
    tf.dispose([result.value, result.grads]);
    await sync();
  }, repeats);
  whole.dispose();
  rows.push([
    `${encoder}, ${side} px, batch ${batch}`,
    `${(model.parameterCount / 1e6).toFixed(1)} M`,
    step.toFixed(0),
    ranger.toFixed(1),
    `${(100 * ranger / step).toFixed(1)} %`,
    adam.toFixed(1),
    theirs.toFixed(1),
  ]);
  tf.dispose([x, target, mask, grads]);
  model.dispose();
}
printTable(rows);
