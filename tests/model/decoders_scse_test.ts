/** Decoders with scse attention against smp 0.5 (tests/reference/smp_models.py). */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createRandom } from "../../lib/base/mod.ts";
import { FoldCache } from "../../lib/model/batch_norm_folding.ts";
import { runScse, scse } from "../../lib/model/decoders/scse.ts";
import { allocateVariables, LayerBuilder } from "../../lib/model/layers.ts";
import { TensorOps } from "../../lib/model/tensor_ops.ts";
import { encodeOnnx } from "../../lib/model/onnx/export.ts";
import { OnnxRunner } from "../../lib/model/onnx/runner.ts";
import { createModel, describeParameters } from "../../lib/model/segmentation_model.ts";
import type { ModelConfig } from "../../lib/model/types.ts";
import { loadModel } from "../../lib/model/weights.ts";
import reference from "../reference/smp_models.json" with { type: "json" };
import {
  closedFormImage,
  fillClosedForm,
  startBackend,
  toNchw,
} from "../support/reference_models.ts";
import { inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

const { input, cases } = reference.scse;
const configOf = (config: ModelConfig): ModelConfig => ({ ...config, decoderAttention: "scse" });

for (const { config, parameters, index, logits, std } of cases) {
  Deno.test(`${config.architecture} with scse attention equals smp: names, shapes, logits, ONNX`, async () => {
    await startBackend();
    const model = createModel(configOf(config));
    const entries = [...model.parameters.values()].map((p) => [p.name, p.torchShape]);
    assert.deepEqual(entries, parameters);
    fillClosedForm(model);
    const x = closedFormImage(input.name, 1, input.height, input.width);
    const before = tf.memory().numTensors;
    const got = model.predict(x);
    assert.equal(tf.memory().numTensors, before + 1, "no tensor is leaked");
    const runner = await OnnxRunner.open(await encodeOnnx(model));
    const { values } = await runner.run(await toNchw(x), [1, 3, input.height, input.width]);
    for (const flat of [await toNchw(got), values]) {
      for (const [i, at] of index.entries()) {
        const error = Math.abs(flat[at] - logits[i]) / std;
        assert.ok(error < 1e-4, `value ${at} is ${flat[at]}, should be ${logits[i]}`);
      }
    }
    await runner.release();
    tf.dispose([x, got]);
    model.dispose();
  });
}

Deno.test("scse attention is recognized in a checkpoint", async () => {
  await inFolder(async (folder) => {
    for (const { config } of cases) {
      const model = createModel({ ...configOf(config), seed: 2 });
      await writeTorch(`${folder}/a.pth`, await stateOf(model));
      const { model: loaded } = await loadModel(`${folder}/a.pth`);
      assert.deepEqual(loaded.config, model.config);
      assert.deepEqual(await stateOf(loaded), await stateOf(model));
      model.dispose();
      loaded.dispose();
    }
  });
});

Deno.test("gradients of scse attention are those of finite differences, for every parameter and input", async () => {
  await startBackend();
  const build = new LayerBuilder(createRandom(7), allocateVariables(false));
  const attention = scse(build, "a", 32);
  const folds = new FoldCache();
  const input = tf.variable(closedFormImage("scse", 1, 32, 4).reshape([1, 4, 3, 32]));
  const variables = [input, ...[...build.parameters.values()].map((p) => p.variable)];
  const loss = () =>
    tf.tidy(() => {
      const x = tf.tensor4d(input.dataSync(), [1, 4, 3, 32]);
      return tf.mean(tf.square(runScse(new TensorOps(folds), x, attention))).dataSync()[0];
    });
  const { grads, value } = tf.variableGrads(
    () =>
      tf.mean(
        tf.square(
          runScse(new TensorOps(folds), tf.reshape(input, [1, 4, 3, 32]) as tf.Tensor4D, attention),
        ),
      ) as tf.Scalar,
    variables,
  );
  for (const variable of variables) {
    const gradient = grads[variable.name];
    const slope = tf.tidy(() => tf.sum(tf.square(gradient)).dataSync()[0]);
    assert.ok(slope > 0, variable.name);
    const step = 0.05 / Math.sqrt(slope);
    const saved = variable.clone();
    const shifted = (by: number) => {
      tf.tidy(() => variable.assign(tf.add(saved, tf.mul(gradient, by))));
      return loss();
    };
    const measured = (shifted(step) - shifted(-step)) / (2 * step);
    variable.assign(saved);
    saved.dispose();
    assert.ok(Math.abs(measured / slope - 1) < 0.01, `${variable.name}: ${measured}, not ${slope}`);
  }
  tf.dispose([value, grads, ...variables]);
  folds.dispose();
});

Deno.test("attention that cannot be built is refused with the reason", () => {
  for (
    const [config, reason] of [
      [{ architecture: "Linknet" }, /of Unet and UnetPlusPlus, Linknet has none/],
      [{ architecture: "MAnet" }, /of Unet and UnetPlusPlus, MAnet has none/],
      [
        { architecture: "Unet", decoderChannels: [64, 32, 16, 16, 8] },
        /decoderChannels of at least 16, got \[64,32,16,16,8\]/,
      ],
    ] as [ModelConfig, RegExp][]
  ) {
    assert.throws(() => describeParameters({ ...configOf(config), encoder: "resnet18" }), reason);
  }
  const other = { architecture: "Unet", encoder: "resnet18", decoderAttention: "cbam" as "scse" };
  assert.throws(() => describeParameters(other), /must be "scse" or null, got "cbam"/);
});
