/**
 * The native TensorFlow backend: its fused kernels at sizes that several threads share, training on it,
 * and what its setup says when something is missing. The numerics table is in kernels_test.ts.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { readManifest } from "../../lib/backend/native/files.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { adamStep, adamSteps } from "../../lib/tensor/adam_step.ts";
import { batchNormTrain, type NormActivation } from "../../lib/tensor/batch_norm.ts";
import { Fused, hasFused } from "../../lib/tensor/fused.ts";
import { channelScale, globalAverage, squeezeExcite } from "../../lib/tensor/squeeze_excite.ts";
import { swish } from "../../lib/tensor/swish.ts";
import { upsampleConcat } from "../../lib/tensor/upsample_concat.ts";
import { createRandom } from "../../lib/base/random.ts";
import { Ranger } from "../../lib/ranger/ranger.ts";
import { crossEntropy } from "../../lib/tensor/losses.ts";
import { findCompiler } from "../../scripts/setup_tensorflow_compile.ts";
import { findPip } from "../../lib/base/wheels.ts";

const installed = readManifest() !== null;
if (!installed) console.warn(".tensorflow/ is absent: the tests of the native backend are skipped");

/** A test on the native backend's CPU side; skipped, and named so, where it is not installed. */
function nativeTest(name: string, run: () => void | Promise<void>): void {
  Deno.test({
    name: installed ? name : `${name} (skipped: run deno task setup:tensorflow)`,
    ignore: !installed,
    fn: async () => {
      await selectBackend("tfjs-node");
      await run();
    },
  });
}

function normals(shape: number[], label: string): tf.Tensor {
  const random = createRandom(5).fork(label);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  return tf.tensor(values, shape);
}

/** Output of `run` and gradients of its weighted sum, as plain numbers. */
function evaluate(run: (...xs: tf.Tensor[]) => tf.Tensor, shapes: number[][]): Float32Array[] {
  return tf.tidy(() => {
    const inputs = shapes.map((shape, i) => normals(shape, `input ${i}`));
    const output = run(...inputs);
    const weights = normals(output.shape, "weights");
    const grads = tf.grads((...xs) => tf.sum(tf.mul(run(...xs), weights)) as tf.Scalar)(inputs);
    return [output, ...grads].map((t) => t.dataSync() as Float32Array);
  });
}

function assertClose(got: Float32Array, want: Float32Array, tolerance: number, what: string): void {
  assert.equal(got.length, want.length, what);
  const scale = want.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  const worst = got.reduce((max, v, i) => Math.max(max, Math.abs(v - want[i])), 0);
  assert.ok(worst <= tolerance * scale, `${what}: off by ${worst} of ${scale}`);
}

nativeTest("tfjs-node: fused kernels on several threads equal TensorFlow.js on cpu", async () => {
  const image = [2, 34, 31, 17];
  const gate = [2, 1, 1, 17];
  const norm = (activation: NormActivation) => (x: tf.Tensor, g: tf.Tensor, b: tf.Tensor) =>
    batchNormTrain(x as tf.Tensor4D, g as tf.Tensor1D, b as tf.Tensor1D, 1e-3, activation).y;
  const squeezeShapes = [[5, 14, 11, 131], [1, 1, 131, 35], [35], [1, 1, 35, 131], [131]];
  const joinedShapes = [[2, 33, 29, 19], [2, 66, 58, 7], [2, 66, 58, 24]];
  const squeeze = (activation: "relu" | "swish") => (...[x, ...weights]: tf.Tensor[]) => {
    const [reduce, widen] = [weights[0], weights[2]] as tf.Tensor4D[];
    const [reduceBias, widenBias] = [weights[1], weights[3]] as tf.Tensor1D[];
    return squeezeExcite(x as tf.Tensor4D, { reduce, reduceBias, widen, widenBias }, activation);
  };
  const cases: [string, (...xs: never[]) => tf.Tensor, number[][]][] = [
    ["batch norm", norm("none"), [image, [17], [17]]],
    ["batch norm + relu", norm("relu"), [image, [17], [17]]],
    ["batch norm + swish", norm("swish"), [image, [17], [17]]],
    ["swish", swish, [image]],
    ["channel scale", channelScale, [image, gate]],
    ["global average", globalAverage, [image]],
    ["upsampling", (x) => upsampleConcat(x, []), [[2, 33, 29, 19]]],
    ["upsampling, joined", (x, ...skips) => upsampleConcat(x, skips), joinedShapes],
    ["squeeze and excitation", squeeze("swish"), squeezeShapes],
    ["squeeze and excitation, ReLU", squeeze("relu"), squeezeShapes],
  ];
  const evaluateAll = () =>
    cases.map(([, run, shapes]) => evaluate(run as (...xs: tf.Tensor[]) => tf.Tensor, shapes));
  assert.ok(
    hasFused(Fused.BatchNormTrain) && hasFused(Fused.Swish) && hasFused(Fused.ChannelScale),
  );
  const got = evaluateAll();
  await selectBackend("cpu");
  const want = evaluateAll();
  cases.forEach(([name], i) =>
    want[i].forEach((values, j) => assertClose(got[i][j], values, 2e-5, `${name}, ${j}`))
  );
});

nativeTest("tfjs-node: the fused Adam step equals the plain formula on cpu", async () => {
  const step = (adaptive: boolean) =>
    tf.tidy(() => {
      const [p, g, m] = ["p", "g", "m"].map((name) => normals([40_003], name));
      const v = tf.square(normals([40_003], "v"));
      const attrs = { beta1: 0.95, beta2: 0.999, epsilon: 1e-5, rate: 0.01, decay: 0.999 };
      return adamStep(p, g, m, v, { ...attrs, rootScale: 1.5, adaptive })
        .map((t) => t.dataSync() as Float32Array);
    });
  const got = [step(true), step(false)].flat();
  await selectBackend("cpu");
  const want = [step(true), step(false)].flat();
  want.forEach((values, i) => assertClose(got[i], values, 1e-5, `result ${i}`));
});

nativeTest(
  "tfjs-node: a step of many parameters is that of each alone, slow weights follow",
  () => {
    const shapes = [[3, 3, 4, 8], [], [40_003], [2, 5], [70_001], [1]];
    const attrs = { beta1: 0.95, beta2: 0.999, epsilon: 1e-5, rate: 0.01, decay: 0.999 };
    const numbers = { ...attrs, rootScale: 1.5, adaptive: true };
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const all = (label: string) => shapes.map((shape, i) => normals(shape, `${label} ${i}`));
      const flat = (tensors: tf.Tensor[]) => tf.concat(tensors.map((t) => tf.reshape(t, [-1])));
      const [p, g, m, slow] = ["p", "g", "m", "slow"].map(all);
      const v = all("v").map((t) => tf.square(t) as tf.Tensor);
      const state = { mean: flat(m), square: flat(v), slow: flat(slow) };
      const alone = shapes.map((_, i) => adamStep(p[i], g[i], m[i], v[i], numbers));
      const values = (tensors: tf.Tensor[]) => flat(tensors).dataSync();
      const plain = adamSteps(p, g, state, numbers);
      assert.deepEqual(plain.parameters.map((t) => t.shape), shapes);
      assert.deepEqual(values(plain.parameters), values(alone.map(([next]) => next)));
      assert.deepEqual(plain.state.mean.dataSync(), values(alone.map(([, mean]) => mean)));
      assert.deepEqual(plain.state.square.dataSync(), values(alone.map(([, , square]) => square)));
      assert.equal(plain.state.slow, null);

      const pulled = adamSteps(p, g, state, { ...numbers, lookahead: 0.25 });
      const [fast, from] = [values(plain.parameters), state.slow.dataSync()];
      const want = fast.map((next, i) => from[i] + 0.25 * (next - from[i]));
      assertClose(values(pulled.parameters) as Float32Array, want as Float32Array, 1e-6, "pulled");
      assert.deepEqual(pulled.state.slow!.dataSync(), values(pulled.parameters));
      assert.deepEqual(pulled.state.mean.dataSync(), plain.state.mean.dataSync());
      const none = { ...state, slow: null };
      assert.throws(
        () => adamSteps(p, g, none, { ...numbers, lookahead: 0.25 }),
        /a lookahead of 0.25 needs slow weights/,
      );
    });
    assert.equal(tf.memory().numTensors, before);
  },
);

nativeTest("tfjs-node: batch statistics stay accurate far from zero", () => {
  tf.tidy(() => {
    const noise = normals([2, 64, 64, 8], "noise");
    const x = tf.add(noise, 4096) as tf.Tensor4D;
    const { variance } = batchNormTrain(x, tf.ones([8]), tf.zeros([8]), 1e-3);
    const values = [...x.dataSync()];
    for (const [c, got] of [...variance.dataSync()].entries()) {
      const channel = values.filter((_, i) => i % 8 === c);
      const mean = channel.reduce((a, b) => a + b, 0) / channel.length;
      const want = channel.reduce((a, b) => a + (b - mean) ** 2, 0) / channel.length;
      assert.ok(Math.abs(got - want) < 1e-4 * want, `channel ${c}: ${got}, in double ${want}`);
    }
  });
});

nativeTest("tfjs-node: batch norm of tensors larger than the caches equals float64's", () => {
  const [rows, channels, epsilon] = [512 * 260, 48, 1e-3];
  const shape: [number, number, number, number] = [1, 512, 260, channels];
  const tensors = tf.memory().numTensors;
  const inputs = [
    tf.randomNormal(shape, 1, 2, "float32", 1),
    tf.randomUniform([channels], 0.5, 1.5, "float32", 2),
    tf.randomNormal([channels], 0, 1, "float32", 3),
  ];
  const dy = tf.randomNormal(shape, 0, 1, "float32", 4);
  const [x, gamma, beta, g] = [...inputs, dy].map((t) => t.dataSync());
  const run = (...[x, gamma, beta]: tf.Tensor[]) =>
    batchNormTrain(x as tf.Tensor4D, gamma as tf.Tensor1D, beta as tf.Tensor1D, epsilon, "swish").y;
  const [y, dx] = tf.tidy(() =>
    [run(...inputs), tf.grads(run)(inputs, dy)[0]].map((t) => t.dataSync())
  );
  tf.dispose([...inputs, dy]);
  assert.equal(tf.memory().numTensors, tensors);
  for (const c of [0, 17, 47]) {
    const each = (of: (at: number) => number) => {
      let sum = 0;
      for (let at = c; at < x.length; at += channels) sum += of(at);
      return sum / rows;
    };
    const mean = each((at) => x[at]);
    const root = Math.sqrt(each((at) => (x[at] - mean) ** 2) + epsilon);
    const normal = (at: number) => (x[at] - mean) / root;
    const z = (at: number) => gamma[c] * normal(at) + beta[c];
    const gate = (at: number) => 1 / (1 + Math.exp(-z(at)));
    const slope = (at: number) => g[at] * gate(at) * (1 + z(at) * (1 - gate(at)));
    const [a, b] = [each(slope), each((at) => slope(at) * normal(at))];
    for (let at = c; at < x.length; at += channels) {
      const want = gamma[c] / root * (slope(at) - a - normal(at) * b);
      assert.ok(Math.abs(y[at] - z(at) * gate(at)) < 1e-5, `output ${at}: ${y[at]}`);
      assert.ok(Math.abs(dx[at] - want) < 1e-5, `gradient ${at}: ${dx[at]}, should be ${want}`);
    }
  }
});

nativeTest("tfjs-node: swish holds at both ends of the float range and passes NaN on", () => {
  const at = [-Infinity, -1e30, -100, -87.5, 0, 87.5, 1e30, NaN, 1];
  const got = tf.tidy(() => [...swish(tf.tensor1d(at)).dataSync()]);
  assert.ok(got[0] === 0 || Number.isNaN(got[0]), `swish(-Infinity) is ${got[0]}`);
  for (const i of [1, 2, 3]) assert.ok(Math.abs(got[i]) < 1e-6, `swish(${at[i]}) is ${got[i]}`);
  assert.deepEqual(got.slice(4, 7), [0, 87.5, Math.fround(1e30)]);
  assert.ok(Number.isNaN(got[7]));
  assert.ok(Math.abs(got[8] - 1 / (1 + Math.exp(-1))) < 1e-6);
});

nativeTest("tfjs-node: 50 steps learn, leave no tensor and take no further memory", async () => {
  const model = createModel({
    architecture: "Unet",
    encoder: "resnet18",
    encoderDepth: 3,
    decoderChannels: [32, 16, 8],
    seed: 1,
  });
  const optimizer = new Ranger(1e-3);
  const x = normals([2, 32, 32, 3], "image") as tf.Tensor4D;
  const target = tf.tidy(() =>
    tf.cast(tf.greater(tf.slice(x, [0, 0, 0, 0], [2, 32, 32, 1]), 0), "int32")
  );
  const labels = tf.reshape(target, [2, 32, 32]) as tf.Tensor3D;
  const losses: number[] = [];
  let tensors = 0;
  let memory = 0;
  try {
    for (let step = 0; step < 50; step++) {
      const loss = optimizer.minimize(
        () => crossEntropy(model.forward(x, { training: true }), labels),
        true,
        model.trainable,
      )!;
      losses.push((await loss.data())[0]);
      loss.dispose();
      // Allocators and caches have settled by then.
      if (step === 14) [tensors, memory] = [tf.memory().numTensors, Deno.memoryUsage().rss];
    }
    assert.equal(tf.memory().numTensors, tensors);
    const grown = (Deno.memoryUsage().rss - memory) / 2 ** 20;
    assert.ok(
      grown < 200,
      `35 steps took ${grown.toFixed(0)} MiB, more than any cache`,
    );
    assert.ok(losses[49] < 0.7 * losses[0], `loss from ${losses[0]} to ${losses[49]}`);
  } finally {
    model.dispose();
    optimizer.dispose();
    tf.dispose([x, target, labels]);
  }
});

Deno.test("setup:tensorflow names what to install when compiler or Python are missing", async () => {
  const { PATH, CXX } = Deno.env.toObject();
  const empty = await Deno.makeTempDir();
  try {
    Deno.env.set("PATH", empty);
    Deno.env.delete("CXX");
    await assert.rejects(findCompiler(), /a C\+\+ compiler is needed.*install/s);
    await assert.rejects(findPip("TensorFlow"), /Python 3 with pip is needed.*install/s);
  } finally {
    Deno.env.set("PATH", PATH);
    if (CXX !== undefined) Deno.env.set("CXX", CXX);
    await Deno.remove(empty);
  }
});
