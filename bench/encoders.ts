/**
 * Every encoder under Unet: parameters, arithmetic, a training step and an evaluation, for the question
 * which one to take on a laptop.
 *
 *     deno task bench encoders
 *     deno run -A bench/encoders.ts [BACKEND [ENCODER…]]
 *
 * A training step is forward, backward and Ranger on 8 crops of 160 x 160; an evaluation one tile of
 * 512 x 512. GFLOP counts two operations a multiplication of the convolutions in that evaluation.
 * Beside the time on the clock stands the processors' (of all threads together), which says more on a
 * machine that others use too.
 */
import process from "node:process";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "crypts/backend";
import { createModel, type GraphModel, listEncoders } from "crypts/model";
import { Ranger } from "crypts/ranger";
import { crossEntropy } from "crypts/tensor";
import { median, printMachine, printTable } from "./machine.ts";

const CROPS = { batch: 8, side: 160 };
const TILE = 512;
const REPEATS = 3;

const [backend, ...wanted] = Deno.args;
const unknown = wanted.find((name) => !listEncoders().includes(name));
if (unknown) {
  console.error(`no encoder "${unknown}"; there are ${listEncoders().join(", ")}`);
  Deno.exit(2);
}
printMachine();
const { line } = await selectBackend(backend);
console.log(`${line}\n`);
const rows = [[
  "Unet with",
  "parameters (M)",
  "GFLOP",
  `training, ${CROPS.batch} x ${CROPS.side} px (ms)`,
  "of processors",
  `evaluation, ${TILE} px (ms)`,
  "of processors",
]];
for (const encoder of wanted.length > 0 ? wanted : listEncoders()) {
  const model = createModel({ architecture: "Unet", encoder, seed: 1 });
  const evaluation = await timeEvaluation(model);
  const training = await timeTraining(model);
  rows.push([
    encoder,
    (model.parameterCount / 1e6).toFixed(1),
    gigaFlop(model).toFixed(1),
    ...training.map((ms) => ms.toFixed(0)),
    ...evaluation.map((ms) => ms.toFixed(0)),
  ]);
  model.dispose();
}
printTable(rows);

/** Of the convolutions of one 512 x 512 evaluation, the size that summaries are for. */
function gigaFlop(model: GraphModel): number {
  let sum = 0;
  for (const { layer, output: [height, width] } of model.summary()) {
    const shape = model.parameters.get(`${layer}.weight`)?.torchShape;
    if (shape?.length === 4) sum += 2 * shape.reduce((a, b) => a * b, 1) * height * width;
  }
  return sum / 1e9;
}

/** Median milliseconds of `run` on the clock, and the least of the processors, after a first run. */
async function both(run: () => Promise<void>): Promise<[clock: number, processors: number]> {
  await run();
  const clock: number[] = [], processors: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const start = performance.now(), used = process.cpuUsage();
    await run();
    clock.push(performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    processors.push((user + system) / 1000);
  }
  return [median(clock), Math.min(...processors)];
}

async function timeEvaluation(model: GraphModel): Promise<[number, number]> {
  const x = tf.randomNormal([1, TILE, TILE, 3], 0, 1, "float32", 1) as tf.Tensor4D;
  const ms = await both(async () => {
    const y = model.predict(x);
    await y.data();
    y.dispose();
  });
  x.dispose();
  return ms;
}

async function timeTraining(model: GraphModel): Promise<[number, number]> {
  const { batch, side } = CROPS;
  const x = tf.randomNormal([batch, side, side, 3], 0, 1, "float32", 1) as tf.Tensor4D;
  const target = tf.zeros([batch, side, side], "int32") as tf.Tensor3D;
  const optimizer = new Ranger(1e-3, { weightDecay: 1e-4 });
  const ms = await both(async () => {
    const { value, grads } = tf.variableGrads(
      () => crossEntropy(model.forward(x, { training: true }), target),
      model.trainable,
    );
    optimizer.applyGradients(grads);
    await value.data();
    await model.trainable[0].data();
    tf.dispose([value, grads]);
  });
  optimizer.dispose();
  tf.dispose([x, target]);
  return ms;
}
