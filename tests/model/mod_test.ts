/** Building and running models: every pair, options, modes, errors. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { listArchitectures, listEncoders } from "../../lib/model/registry.ts";
import type { ModelConfig, SegmentationModel } from "../../lib/model/types.ts";
import { createRandom } from "../../lib/base/random.ts";
import { closedFormImage, startBackend } from "../support/reference_models.ts";

const SLIM: ModelConfig = {
  architecture: "Unet",
  encoder: "efficientnet-b0",
  decoderChannels: [16, 8, 8, 8, 8],
};

/** All 4 x 13 where `CRYPTS_ALL_MODELS` is set, else each architecture and family once. */
const SAMPLED = [
  "Unet resnet18",
  "UnetPlusPlus efficientnet-b0",
  "Linknet efficientnet-b1",
  "MAnet resnet18",
  "Unet timm-tf_efficientnet_lite0",
];

for (const architecture of listArchitectures()) {
  for (const encoder of listEncoders()) {
    const name = `${architecture} ${encoder}`;
    const ignore = !Deno.env.get("CRYPTS_ALL_MODELS") && !SAMPLED.includes(name);
    Deno.test({
      name: `${name}: forward and backward at 64 px, finite gradients, nothing leaked` +
        (ignore ? " (CRYPTS_ALL_MODELS runs it)" : ""),
      ignore,
      fn: () => forwardAndBackward({ architecture, encoder }),
    });
  }
}

async function forwardAndBackward(config: ModelConfig): Promise<void> {
  await startBackend();
  const atStart = tf.memory().numTensors;
  const model = createModel(config);
  const x = closedFormImage("table", 2, 64, 64);
  const before = tf.memory().numTensors;
  const { value, grads } = tf.variableGrads(
    () => {
      const logits = model.forward(x, { training: true, random: createRandom(1) });
      assert.deepEqual(logits.shape, [2, 64, 64, 2]);
      return tf.mean(tf.square(logits)) as tf.Scalar;
    },
    model.trainable,
  );
  assert.equal(Object.keys(grads).length, model.trainable.length);
  const sums = tf.tidy(() => tf.stack(Object.values(grads).map((g) => tf.sum(tf.abs(g)))));
  for (const [i, sum] of (await sums.data()).entries()) {
    assert.ok(Number.isFinite(sum), `gradient of ${Object.keys(grads)[i]} is ${sum}`);
  }
  tf.dispose([value, sums, grads]);
  assert.equal(tf.memory().numTensors, before, "the step leaks tensors");
  const y = model.predict(x);
  const features = model.features(x);
  assert.deepEqual(y.shape, [2, 64, 64, 2]);
  assert.deepEqual(
    features.map((f) => f.shape),
    model.stageChannels.map((channels, i) => [2, 64 >> i, 64 >> i, channels]),
  );
  assert.ok((await y.data()).every(Number.isFinite));
  tf.dispose([x, y, features]);
  model.dispose();
  assert.equal(tf.memory().numTensors, atStart, "the model leaks tensors");
}

Deno.test("unknown names and options that do not fit are refused, listing what would", () => {
  const refuse = (config: Record<string, unknown>, reason: RegExp) =>
    assert.throws(() => createModel({ ...SLIM, ...config }), (error: Error) => {
      assert.ok(error instanceof RangeError);
      assert.match(error.message, reason);
      return true;
    });
  refuse({ architecture: "FPN" }, /"FPN"; known: Unet, UnetPlusPlus, Linknet, MAnet/);
  refuse({ architecture: "constructor" }, /unknown architecture/);
  refuse({ encoder: "vgg16" }, /"vgg16"; known: efficientnet-b0, .*, resnet152/);
  refuse({ encoderDepth: 6 }, /encoderDepth must be 3, 4 or 5, got 6/);
  refuse({ decoderChannels: [8, 8] }, /one width for each of the 5 encoder stages, got \[8,8\]/);
  refuse({ decoderChannels: [8, 8, 8, 8, 0] }, /decoderChannels must be positive integers/);
  refuse({ classes: 1.5 }, /classes must be positive integers, got 1.5/);
  refuse({ activation: "relu" }, /activation must be .*, got "relu"/);
});

Deno.test("inputs of the wrong rank, channels or sides are refused, saying which sizes fit", async () => {
  await startBackend();
  const model = createModel(SLIM);
  const shallow = createModel({ ...SLIM, encoderDepth: 3, decoderChannels: [8, 8, 8] });
  const image = (...shape: number[]) => tf.zeros(shape as [number]) as tf.Tensor as tf.Tensor4D;
  tf.tidy(() => {
    assert.throws(() => model.predict(image(1, 64, 64, 1)), /takes \[batch, height, width, 3\]/);
    assert.throws(() => model.predict(image(64, 64, 3)), /got \[64,64,3\]/);
    assert.throws(
      () => model.predict(image(1, 64, 100, 3)),
      /multiples of 32, got 64 x 100: for 100, 96 or 128 would fit/,
    );
    assert.throws(() => model.features(image(1, 20, 32, 3)), /for 20, 32 would fit/);
    assert.deepEqual(shallow.predict(image(1, 40, 24, 3)).shape, [1, 40, 24, 2]);
    assert.throws(
      () => model.forward(image(1, 32, 32, 3), { training: true }),
      /one value a channel to train on/,
    );
  });
  model.dispose();
  shallow.dispose();
});

Deno.test("options: classes, channels, depth, batch norm and activation shape the model", async () => {
  await startBackend();
  const x = closedFormImage("options", 1, 32, 32);
  for (const architecture of listArchitectures()) {
    const config = { ...SLIM, architecture, classes: 3, inChannels: 1, encoderDepth: 4 };
    const model = createModel({
      ...config,
      decoderChannels: [8, 8, 8, 8],
      decoderBatchNorm: false,
      activation: "softmax",
    });
    const names = [...model.parameters.keys()];
    assert.ok(!names.some((n) => /^decoder\..*running_mean/.test(n)), architecture);
    const sums = tf.tidy(() => {
      const y = model.predict(tf.slice(x, [0, 0, 0, 0], [-1, -1, -1, 1]));
      assert.deepEqual(y.shape, [1, 32, 32, 3], architecture);
      return tf.sum(y, -1).dataSync();
    });
    assert.ok(sums.every((s) => Math.abs(s - 1) < 1e-5), "softmax adds up to 1");
    model.dispose();
  }
  x.dispose();
});

Deno.test("activations are applied by predict, over the classes", async () => {
  await startBackend();
  const x = closedFormImage("activation", 1, 32, 32);
  const outputs = ([null, "identity", "sigmoid", "softmax", "softmax2d", "logsoftmax"] as const)
    .map((activation) => {
      const model = createModel({ ...SLIM, activation });
      const [raw, y] = tf.tidy(() => [model.forward(x).dataSync(), model.predict(x).dataSync()]);
      model.dispose();
      return { raw, y };
    });
  const [a, b] = outputs[0].raw;
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const wanted = [a, a, sigmoid(a), sigmoid(a - b), sigmoid(a - b), Math.log(sigmoid(a - b))];
  outputs.forEach(({ raw, y }, i) => {
    assert.equal(raw[0], a, "forward gives the logits");
    assert.ok(Math.abs(y[0] - wanted[i]) < 1e-5, `activation ${i}: ${y[0]}, not ${wanted[i]}`);
  });
  x.dispose();
});

Deno.test("the same seed gives the same weights, another one others; their spread is smp's", async () => {
  await startBackend();
  const [a, b, c] = [1, 1, 2].map((seed) => createModel({ ...SLIM, seed }));
  const value = (m: SegmentationModel, name: string) =>
    m.parameters.get(name)!.variable.dataSync<"float32">();
  const name = "decoder.blocks.0.conv1.0.weight";
  assert.deepEqual(value(a, name), value(b, name));
  assert.notDeepEqual(value(a, name), value(c, name));
  // uniform(-l, l): the limit by PyTorch's rules for each kind of layer, hit to 1%.
  for (
    const [parameter, limit] of [
      ["encoder._blocks.1._expand_conv.weight", Math.sqrt(1 / 16)],
      ["encoder._blocks.5._depthwise_conv.weight", Math.sqrt(1 / 9)],
      [name, Math.sqrt(6 / (9 * (320 + 112)))],
      ["segmentation_head.0.weight", Math.sqrt(6 / (9 * (8 + 2)))],
    ] as [string, number][]
  ) {
    const largest = value(a, parameter).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert.ok(largest <= limit && largest > 0.97 * limit, `${parameter}: ${largest} of ${limit}`);
  }
  for (const m of [a, b, c]) m.dispose();
});

Deno.test("ResNets start from He's normal distribution over the outputs", async () => {
  await startBackend();
  const model = createModel({ ...SLIM, encoder: "resnet18" });
  const weights = model.parameters.get("encoder.layer2.0.conv2.weight")!.variable.dataSync<
    "float32"
  >();
  const variance = weights.reduce((s, v) => s + v * v, 0) / weights.length;
  assert.ok(Math.abs(Math.sqrt(variance) / Math.sqrt(2 / (9 * 128)) - 1) < 0.02);
  model.dispose();
});

Deno.test("training moves the running statistics; evaluation uses them and follows later changes", async () => {
  await startBackend();
  const model = createModel(SLIM);
  const x = closedFormImage("modes", 2, 64, 64);
  const norm = (part: string) => model.parameters.get(`encoder._bn0.${part}`)!.variable.dataSync();
  const first = model.predict(x).dataSync();
  assert.deepEqual(model.predict(x).dataSync(), first, "evaluation changes nothing");
  assert.equal(norm("num_batches_tracked")[0], 0);
  const before = tf.memory().numTensors;
  tf.tidy(() => void model.forward(x, { training: true }));
  assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
  assert.equal(norm("num_batches_tracked")[0], 1);
  // momentum 0.01 from mean 0 and variance 1
  assert.ok(norm("running_mean").some((v) => v !== 0));
  assert.ok(norm("running_var").every((v) => v > 0.99 && v < 1.2));
  const second = model.predict(x).dataSync();
  assert.notDeepEqual(second, first, "the folded weights are made anew");
  // Inside a gradient the weights are not folded: the same values, and gradients reach them.
  const { value, grads } = tf.variableGrads(() => {
    const y = model.forward(x);
    const error = tf.max(tf.abs(tf.sub(y, tf.tensor(second, y.shape))));
    assert.ok(error.dataSync()[0] < 1e-3, "folding changes values by rounding only");
    return tf.sum(tf.square(y)) as tf.Scalar;
  }, [model.parameters.get("encoder._conv_stem.weight")!.variable]);
  const size = tf.tidy(() => tf.sum(tf.abs(Object.values(grads)[0])).dataSync()[0]);
  assert.ok(size > 0 && Number.isFinite(size));
  tf.dispose([x, value, grads]);
  model.dispose();
});

Deno.test("drop-connect is on in training with a random source only, and follows its seed", async () => {
  await startBackend();
  const model = createModel({ ...SLIM, encoder: "efficientnet-b1" });
  const x = closedFormImage("drop", 4, 64, 64);
  const run = (seed: number | null) =>
    tf.tidy(() => {
      const random = seed === null ? undefined : createRandom(seed);
      return model.forward(x, { training: true, random }).dataSync();
    });
  const off = run(null);
  assert.deepEqual(run(null), off);
  assert.deepEqual(run(3), run(3));
  assert.notDeepEqual(run(3), off);
  assert.notDeepEqual(run(3), run(4));
  const evaluated = tf.tidy(() => model.forward(x, { random: createRandom(3) }).dataSync());
  assert.deepEqual(evaluated, tf.tidy(() => model.predict(x).dataSync()));
  x.dispose();
  model.dispose();
});

Deno.test("a feature map is reached by its name", async () => {
  await startBackend();
  const model = createModel(SLIM);
  const x = closedFormImage("names", 1, 64, 32);
  tf.tidy(() => {
    const features = model.features(x);
    assert.deepEqual(model.stageNames, ["input", "stage1", "stage2", "stage3", "stage4", "stage5"]);
    model.stageNames.forEach((name, i) => {
      assert.deepEqual(model.feature(x, name).dataSync(), features[i].dataSync());
    });
    assert.deepEqual(model.feature(x, "bottleneck").shape, [1, 2, 1, 320]);
    assert.throws(() => model.feature(x, "stage6"), /"stage6"; known: input, .*, bottleneck/);
  });
  x.dispose();
  model.dispose();
});

Deno.test("the summary has a row for every layer, with its shape, and all parameters", async () => {
  await startBackend();
  const model = createModel({ architecture: "Unet", encoder: "efficientnet-b0" });
  const rows = model.summary();
  assert.equal(rows.reduce((sum, r) => sum + r.parameters, 0), model.parameterCount);
  assert.deepEqual(rows[0], {
    layer: "encoder._conv_stem",
    output: [256, 256, 32],
    parameters: 864,
  });
  assert.deepEqual(rows.at(-2), {
    layer: "segmentation_head.0",
    output: [512, 512, 2],
    parameters: 290,
  });
  assert.equal(rows.at(-1)!.parameters, 412160, "EfficientNet's unused head");
  model.dispose();
});
