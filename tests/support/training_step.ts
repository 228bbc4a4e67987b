/** The training step of ../shared/reference/train_step.json, on whatever backend is active. */
import * as tf from "@tensorflow/tfjs-core";
import { toTorch } from "../../lib/model/layout.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { createRandom } from "../../lib/base/random.ts";
import { closedFormImage, fillClosedForm } from "./reference_models.ts";
import { crc32, unit } from "./shared.ts";

/** Which step. */
export interface StepRequest {
  architecture: string;
  encoder: string;
  batch: number;
  height: number;
  width: number;
  /** Also compares the gradient with the loss a small step away, along a random direction. */
  finiteDifference?: boolean;
}

/** What it gives; arrays in PyTorch's order. */
export interface StepResult {
  loss: number;
  /** By state_dict name, of the parameters that the forward pass uses. */
  gradients: Map<string, ArrayLike<number>>;
  /** Running means and variances after the step, by state_dict name. */
  statistics: Map<string, ArrayLike<number>>;
  /** Tensors that the step left behind (its own result taken off). */
  leaked: number;
  /** Slope of the loss along a direction of norm 1: by the gradient, and by central difference. */
  directional?: { slope: number; difference: number };
}

/** Runs it: closed-form weights and input, mean cross entropy, drop-connect off. */
export async function trainingStep(request: StepRequest): Promise<StepResult> {
  const { architecture, encoder, batch, height, width } = request;
  const model = createModel({ architecture, encoder, initialize: false });
  fillClosedForm(model);
  const x = closedFormImage("train_input", batch, height, width);
  const seed = crc32("train_target");
  const classes = Float32Array.from(
    { length: batch * height * width * 2 },
    (_, i) => (unit(seed, i >> 1) < 0.3 ? 1 : 0) === (i & 1) ? 1 : 0,
  );
  const target = tf.tensor4d(classes, [batch, height, width, 2]);
  const before = tf.memory().numTensors;
  const lossOf = () => {
    const logLikelihood = tf.mul(tf.logSoftmax(model.forward(x, { training: true })), target);
    return tf.neg(tf.mean(tf.sum(logLikelihood, -1))) as tf.Scalar;
  };
  const { value, grads } = tf.variableGrads(lossOf, model.trainable);
  const leaked = tf.memory().numTensors - before - 1 - Object.keys(grads).length;
  const gradients = new Map<string, ArrayLike<number>>();
  const statistics = new Map<string, ArrayLike<number>>();
  for (const { name, torchShape, layout, variable } of model.parameters.values()) {
    const gradient = grads[variable.name];
    if (gradient) {
      const values = await gradient.data() as Float32Array;
      gradients.set(name, toTorch(values, torchShape, layout));
    } else if (/running_(mean|var)$/.test(name)) {
      statistics.set(name, Float32Array.from(await variable.data()));
    }
  }
  const loss = (await value.data())[0];
  const directional = request.finiteDifference
    ? differentiate(lossOf, model.trainable, grads)
    : undefined;
  tf.dispose([x, target, value, grads]);
  model.dispose();
  return { loss, gradients, statistics, leaked, directional };
}

const STEP = 1e-6;

/** Moves all variables along one random direction and back; leaves them where they were. */
function differentiate(
  loss: () => tf.Scalar,
  variables: tf.Variable[],
  gradients: tf.NamedTensorMap,
): { slope: number; difference: number } {
  return tf.tidy(() => {
    const random = createRandom(11);
    const raw = variables.map((v) =>
      tf.tensor(Float32Array.from({ length: v.size }, () => random.normal()), v.shape)
    );
    const norm = Math.sqrt(raw.reduce((sum, d) => sum + tf.sum(tf.square(d)).dataSync()[0], 0));
    const directions = raw.map((d) => tf.div(d, norm));
    const starts = variables.map((v) => tf.clone(v));
    const lossAt = (step: number) => {
      variables.forEach((v, i) => v.assign(tf.add(starts[i], tf.mul(directions[i], step))));
      return loss().dataSync()[0];
    };
    const difference = (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP);
    variables.forEach((v, i) => v.assign(starts[i]));
    const slope = variables.reduce(
      (sum, v, i) => sum + tf.sum(tf.mul(gradients[v.name], directions[i])).dataSync()[0],
      0,
    );
    return { slope, difference };
  });
}
