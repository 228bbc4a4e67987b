/** Forward passes against segmentation_models_pytorch 0.2 (../shared/reference/models). */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { FoldCache } from "../../lib/model/batch_norm_folding.ts";
import { type Activation, type Squeeze, squeezeExciteByParts } from "../../lib/model/graph.ts";
import type { BatchNorm, Conv } from "../../lib/model/layers.ts";
import { createModel, describeParameters } from "../../lib/model/segmentation_model.ts";
import { listArchitectures, listEncoders } from "../../lib/model/registry.ts";
import { TensorOps } from "../../lib/model/tensor_ops.ts";
import {
  closedFormImage,
  fillClosedForm,
  reference,
  referenceValues,
  startBackend,
  toNchw,
} from "../support/reference_models.ts";
import { sharedTest } from "../support/shared.ts";

/** The pairs of which the reference holds logits, traces and names. */
const PAIRS = [
  ["Unet", "efficientnet-b0"],
  ["Unet", "efficientnet-b2"],
  ["Unet", "resnet34"],
  ["UnetPlusPlus", "efficientnet-b2"],
  ["Linknet", "efficientnet-b2"],
  ["MAnet", "efficientnet-b2"],
];

/** Shape, summary figures and sampled values of a tensor in NCHW order. */
interface Statistics {
  shape: number[];
  mean: number;
  std: number;
  idx: number[];
  values: number[];
}

for (const [architecture, encoder] of PAIRS) {
  const key = `${architecture.toLowerCase()}_${encoder}`;

  sharedTest(
    `${architecture} with ${encoder} equals smp: names, logits, features, every module`,
    async () => {
      await startBackend();
      const expected = reference(`models/${key}.json`);
      const model = createModel({ architecture, encoder });
      const entries = [...model.parameters.values()].map((p) => [p.name, p.torchShape]);
      assert.deepEqual(entries, expected.state_dict);
      assert.equal(model.parameterCount, expected.n_params);
      fillClosedForm(model);

      for (const { name, H, W, features } of expected.inputs) {
        const x = closedFormImage(name, 1, H, W);
        const before = tf.memory().numTensors;
        const logits = model.predict(x);
        const stages = model.features(x);
        assert.equal(tf.memory().numTensors, before + 1 + stages.length, "no tensor is leaked");
        const want = referenceValues(`models/${key}_${H}x${W}.logits.f32`);
        assertClose(await toNchw(logits), want, deviation(want), 1e-4, `logits at ${H} x ${W}`);
        assert.equal(stages.length, features.length);
        for (const [i, stage] of stages.entries()) {
          await assertStatistics(stage, features[i] as Statistics, `feature ${i} at ${H} x ${W}`);
        }
        tf.dispose([x, logits, ...stages]);
      }
      await assertTrace(model, expected.trace_64x64);
      model.dispose();
    },
  );
}

/** Compares every convolution and batch norm of the 64 x 64 run with the reference's hook. */
async function assertTrace(
  model: ReturnType<typeof createModel>,
  // module, class, NCHW shape, mean, standard deviation, first three values
  trace: [string, string, number[], number, number, number[]][],
): Promise<void> {
  const folds = new FoldCache();
  const x = closedFormImage("input64x64", 1, 64, 64);
  const ops = new TracingOps(folds);
  tf.tidy(() => void model.run(ops, x));
  let compared = 0;
  for (const [name, kind, shape, mean, std, first] of trace) {
    if (!/^(Conv|BatchNorm)/.test(kind) || kind === "Conv2dReLU") continue;
    const output = ops.outputs.get(name);
    assert.ok(output, `${name} was not run`);
    const values = await toNchw(output);
    const [batch, height, width, channels] = output.shape;
    assert.deepEqual([batch, channels, height, width], shape, name);
    // Squeezed maps may hold a single value, whose deviation is zero.
    const scale = Math.max(std, Math.abs(mean));
    assertClose(moments(values), [mean, std], scale, 1e-4, `${name}: mean and deviation`);
    assertClose(values.slice(0, first.length), first, scale, 1e-4, `${name}: first values`);
    compared++;
  }
  assert.equal(compared, ops.outputs.size, "the model runs no module that the reference does not");
  tf.dispose([x, ...ops.outputs.values()]);
  folds.dispose();
}

/** Evaluation that keeps the output of every convolution and batch norm. */
class TracingOps extends TensorOps {
  readonly outputs = new Map<string, tf.Tensor4D>();

  override conv(x: tf.Tensor4D, conv: Conv): tf.Tensor4D {
    const y = super.conv(x, conv);
    this.outputs.set(conv.name, tf.keep(tf.clone(y)));
    return y;
  }

  override convNorm(x: tf.Tensor4D, conv: Conv, norm: BatchNorm | null, activation: Activation) {
    let y = this.conv(x, conv);
    if (norm) {
      y = super.convNorm(x, conv, norm, "none");
      this.outputs.set(norm.name, tf.keep(tf.clone(y)));
    }
    return activation === "none" ? y : this[activation](y);
  }

  override squeezeExcite(x: tf.Tensor4D, squeeze: Squeeze): tf.Tensor4D {
    return squeezeExciteByParts(this, x, squeeze);
  }
}

sharedTest("every encoder has the reference's parameter counts under every architecture", () => {
  for (const counts of reference("models/param_counts.json")) {
    for (const architecture of listArchitectures()) {
      const parameters = describeParameters({ architecture, encoder: counts.encoder });
      const count = parameters.filter((p) => p.trainable)
        .reduce((sum, p) => sum + p.torchShape.reduce((a, b) => a * b, 1), 0);
      assert.equal(count, counts[architecture], `${architecture} with ${counts.encoder}`);
    }
  }
  assert.equal(listEncoders().length, 18);
});

async function assertStatistics(x: tf.Tensor4D, want: Statistics, what: string): Promise<void> {
  const values = await toNchw(x);
  const [batch, height, width, channels] = x.shape;
  assert.deepEqual([batch, channels, height, width], want.shape, what);
  assertClose(moments(values), [want.mean, want.std], want.std, 1e-4, `${what}: mean, deviation`);
  assertClose(want.idx.map((i) => values[i]), want.values, want.std, 1e-4, `${what}: values`);
}

function assertClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  scale: number,
  tolerance: number,
  what: string,
): void {
  assert.equal(got.length, want.length, what);
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]) / scale;
    assert.ok(error <= tolerance, `${what}: value ${i} is ${got[i]}, should be ${want[i]}`);
  }
}

/** Mean and population standard deviation. */
function moments(values: Float32Array): [number, number] {
  let sum = 0;
  for (const v of values) sum += v;
  const mean = sum / values.length;
  let squares = 0;
  for (const v of values) squares += (v - mean) ** 2;
  return [mean, Math.sqrt(squares / values.length)];
}

function deviation(values: Float32Array): number {
  return moments(values)[1];
}
