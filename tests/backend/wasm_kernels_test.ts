/**
 * The numerics table: every kernel that training needs, on every backend of this machine, against the
 * plain JavaScript backend and against finite differences.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { BACKENDS, selectBackend } from "../../lib/backend/select.ts";
import { batchNormTrain, type NormActivation } from "../../lib/tensor/batch_norm.ts";
import { channelScale, globalAverage } from "../../lib/tensor/squeeze_excite.ts";
import { convActivated } from "../../lib/tensor/conv_activated.ts";
import { relu6 } from "../../lib/tensor/relu6.ts";
import { swish } from "../../lib/tensor/swish.ts";
import { createRandom } from "../../lib/base/random.ts";

type T4 = tf.Tensor4D;
type Size4 = [number, number, number, number];
type Pad = Parameters<typeof tf.conv2d>[3];

/** A function of some inputs; its gradients are compared. */
interface Case {
  name: string;
  shapes: number[][];
  run: (...inputs: T4[]) => tf.Tensor;
  /** TensorFlow.js cannot differentiate it. */
  forwardOnly?: boolean;
}

const PADS: [string, Pad][] = [
  ["same", "same"],
  ["valid", "valid"],
  ["1", 1],
  ["[[2,0],[1,3]]", [[0, 0], [2, 0], [1, 3], [0, 0]]],
];

const cases: Case[] = [];

// Channels below, at and above the kernels' block sizes (4, 6 and 8), sides even and odd.
const CONVOLUTIONS: [image: Size4, kernel: number | [number, number], out: number][] = [
  [[2, 7, 9, 3], 3, 5],
  [[1, 8, 8, 8], 3, 16],
  [[2, 6, 5, 13], 1, 2],
  [[1, 9, 7, 4], 5, 9],
  [[1, 8, 9, 6], [1, 3], 4],
];
for (const [image, kernel, out] of CONVOLUTIONS) {
  const [kh, kw] = [kernel].flat().length === 2 ? kernel as [number, number] : [kernel, kernel];
  for (const stride of [1, 2, 3]) {
    for (const [pad, value] of PADS) {
      cases.push({
        name: `conv2d ${image} * ${kh}x${kw}x${out}, stride ${stride}, pad ${pad}`,
        shapes: [image, [kh as number, kw as number, image[3], out]],
        run: (x, filter) => tf.conv2d(x, filter, stride, value),
      });
    }
  }
}

const DEPTHWISE: [image: Size4, kernel: number, multiplier: number][] = [
  [[2, 7, 8, 6], 3, 1],
  [[1, 9, 9, 17], 5, 1],
  [[2, 6, 7, 4], 3, 2],
  [[1, 11, 10, 3], 7, 1],
];
for (const [image, kernel, multiplier] of DEPTHWISE) {
  for (const stride of [1, 2, 3]) {
    for (const [pad, value] of PADS) {
      cases.push({
        name:
          `depthwise ${image} * ${kernel}x${kernel} x${multiplier}, stride ${stride}, pad ${pad}`,
        shapes: [image, [kernel, kernel, image[3], multiplier]],
        run: (x, filter) => tf.depthwiseConv2d(x, filter, stride, value),
      });
    }
  }
}

for (const [size, stride, pad] of [[2, 2, "valid"], [3, 2, 1], [3, 2, "same"], [3, 1, "same"]]) {
  const options = [size, stride, pad] as [number, number, "same" | "valid" | number];
  const shapes = [[2, 7, 8, 5]];
  cases.push({ name: `maxPool ${options}`, shapes, run: (x) => tf.maxPool(x, ...options) });
  cases.push({ name: `avgPool ${options}`, shapes, run: (x) => tf.avgPool(x, ...options) });
}

for (const [from, to] of [[[4, 5], [8, 10]], [[8, 6], [4, 3]], [[4, 4], [7, 9]]]) {
  for (const alignCorners of [false, true]) {
    const size = to as [number, number];
    const shapes = [[2, ...from, 3]];
    const name = `${from} to ${to}, corners ${alignCorners ? "aligned" : "free"}`;
    cases.push({
      name: `resizeNearestNeighbor ${name}`,
      shapes,
      run: (x) => tf.image.resizeNearestNeighbor(x, size, alignCorners),
    });
    // Square: TensorFlow.js 4.22 swaps height and width in cpu's gradient.
    cases.push({
      name: `resizeBilinear ${name}, squared`,
      shapes: [[2, from[0], from[0], 3]],
      run: (x) => tf.image.resizeBilinear(x, [size[0], size[0]], alignCorners),
    });
  }
}

for (const channels of [1, 6, 16, 37]) {
  for (const activation of ["none", "relu", "relu6", "swish"] as NormActivation[]) {
    cases.push({
      name: `batchNormTrain ${channels} channels, ${activation}`,
      shapes: [[3, 9, 7, channels], [channels], [channels]],
      run: (x, gamma, beta) =>
        batchNormTrain(
          x,
          // Wide enough that some values lie above 6.
          tf.mul(gamma, 5) as unknown as tf.Tensor1D,
          beta as unknown as tf.Tensor1D,
          1e-3,
          activation,
        ).y,
    });
  }
  const image = [3, 5, 4, channels];
  const gate = [3, 1, 1, channels];
  cases.push({ name: `channelScale ${image}`, shapes: [image, gate], run: channelScale });
  cases.push({ name: `globalAverage ${image}`, shapes: [image], run: globalAverage });
  cases.push({ name: `swish ${image}`, shapes: [image], run: swish });
  cases.push({ name: `relu6 ${image}`, shapes: [image], run: (x) => relu6(tf.mul(x, 5)) });
}

for (const activation of ["none", "relu", "relu6", "swish"] as NormActivation[]) {
  // The last one is large enough for Winograd's filtering.
  for (
    const [image, kernel, strides] of [[[2, 6, 5, 8], 1, 1], [[2, 7, 9, 6], 3, 2], [
      [2, 13, 11, 8],
      3,
      1,
    ]]
  ) {
    const [side, stride, channels] = [kernel as number, strides as number, (image as number[])[3]];
    for (const depthwise of [false, true]) {
      const out = depthwise ? channels : 9;
      cases.push({
        name: `convActivated ${image} ${side}x${side}, stride ${stride}, ${activation}` +
          (depthwise ? ", depthwise" : ""),
        shapes: [image as number[], [side, side, channels, depthwise ? 1 : out], [out]],
        run: (x, filter, bias) =>
          convActivated({
            ...{ x, filter, strides: stride, pad: "same", depthwise, activation },
            bias: tf.mul(bias, 5) as unknown as tf.Tensor1D,
          }),
        forwardOnly: true,
      });
    }
  }
}

for (const activation of ["linear", "relu", "sigmoid"] as const) {
  const options = { strides: 2, pad: "same", activation } as const;
  cases.push({
    name: `fused conv2d, ${activation}`,
    shapes: [[2, 7, 6, 5], [3, 3, 5, 9], [9]],
    run: (x, filter, bias) => tf.fused.conv2d({ x, filter, bias, ...options }),
  });
  cases.push({
    name: `fused depthwise, ${activation}`,
    shapes: [[2, 7, 6, 5], [5, 5, 5, 1], [5]],
    run: (x, filter, bias) => tf.fused.depthwiseConv2d({ x, filter, bias, ...options }),
  });
}
for (const axis of [3, 1]) {
  cases.push({
    name: `concat and split, axis ${axis}`,
    shapes: [[2, 3, 3, 3], [2, 3, 3, 3].with(axis, 6)],
    run: (a, b) =>
      tf.concat(tf.split(tf.concat([a, b, a], axis), [2, 9, 1], axis).toReversed(), axis),
  });
}
cases.push({
  name: "conv2d with dilation, forward only",
  shapes: [[1, 9, 9, 3], [3, 2, 3, 4]],
  run: (x, filter) => tf.conv2d(x, filter, 1, "same", "NHWC", [2, 3]),
  forwardOnly: true,
});
cases.push({
  name: "conv2dTranspose, stride 2",
  shapes: [[2, 4, 5, 6], [4, 4, 3, 6]],
  run: (x, filter) => tf.conv2dTranspose(x, filter, [2, 8, 10, 3], 2, "same"),
});
cases.push({
  name: "gather (its gradient sums segments)",
  shapes: [[5, 4]],
  run: (x) => tf.gather(x, tf.tensor1d([0, 3, 3, 1], "int32")),
});

/** Deterministic inputs of a case, and the weights of the scalar that is differentiated. */
function values(shape: number[], label: string): Float32Array {
  const random = createRandom(11).fork(label);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
}

/** Output and gradients of `sum(output * weights)` on the active backend. */
async function evaluate(c: Case): Promise<{ output: Float32Array; grads: Float32Array[] }> {
  const { name, shapes, run, forwardOnly } = c;
  const results = tf.tidy(() => {
    const inputs = shapes.map((shape, i) => tf.tensor(values(shape, `${name}/${i}`), shape));
    const output = run(...inputs as T4[]);
    const weights = tf.tensor(values(output.shape, `${name}/weights`), output.shape);
    const scalar = (...xs: tf.Tensor[]) => tf.sum(tf.mul(run(...xs as T4[]), weights)) as tf.Scalar;
    return [output, ...forwardOnly ? [] : tf.grads(scalar)(inputs)];
  });
  // WebGPU has no synchronous way to read.
  const read: Float32Array[] = [];
  for (const t of results) read.push(await t.data() as Float32Array);
  tf.dispose(results);
  return { output: read[0], grads: read.slice(1) };
}

/** Largest difference, relative to the size of the values. */
function difference(got: Float32Array, expected: Float32Array): number {
  assert.equal(got.length, expected.length);
  let worst = 0;
  let scale = 1;
  for (let i = 0; i < got.length; i++) {
    const d = Math.abs(got[i] - expected[i]);
    if (!(d <= worst)) worst = d;
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return worst / scale;
}

await selectBackend("cpu");
const expected = new Map<string, Awaited<ReturnType<typeof evaluate>>>();
for (const c of cases) expected.set(c.name, await evaluate(c));

for (const backend of BACKENDS.filter((name) => name !== "cpu")) {
  let refusal: string | null = null;
  try {
    await selectBackend(backend);
  } catch (error) {
    refusal = (error as Error).message.split("\n")[0];
  }
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({
      name: refusal === null ? `${backend}: ${name}` : `${backend}: skipped (${refusal})`,
      ignore: refusal !== null,
      fn: async () => {
        await selectBackend(backend);
        await fn();
      },
    });

  test(`all ${cases.length} kernels of the table and their gradients equal the cpu backend's`, async () => {
    const tolerance = 2e-5;
    const wrong: string[] = [];
    for (const c of cases) {
      let got: Awaited<ReturnType<typeof evaluate>>;
      try {
        got = await evaluate(c);
      } catch (error) {
        wrong.push(`${c.name}: ${error}`);
        continue;
      }
      const want = expected.get(c.name)!;
      const errors = [
        difference(got.output, want.output),
        ...got.grads.map((g, i) => difference(g, want.grads[i])),
      ];
      if (errors.some((e) => !(e <= tolerance))) wrong.push(`${c.name}: ${errors}`);
    }
    assert.deepEqual(wrong, []);
  });
  if (refusal !== null) continue;

  test("no kernel of the table leaves a tensor behind", async () => {
    for (const c of cases) {
      const before = tf.memory().numTensors;
      const ids = tf.engine().backend.numDataIds();
      await evaluate(c);
      assert.equal(tf.memory().numTensors, before, c.name);
      assert.equal(tf.engine().backend.numDataIds(), ids, c.name);
    }
  });
}

Deno.test("wasm: gradients equal finite differences along a random direction", async () => {
  await selectBackend("wasm");
  const wrong: string[] = [];
  for (const c of cases) {
    // ReLU and max pooling have kinks, where a difference quotient is no gradient.
    if (/relu|maxPool/.test(c.name) || c.forwardOnly) continue;
    const inputs = c.shapes.map((shape, i) => values(shape, `${c.name}/${i}`));
    const directions = c.shapes.map((shape, i) => values(shape, `${c.name}/direction${i}`));
    const { grads } = await evaluate(c);
    grads.forEach((gradient, k) => {
      const step = 1e-2;
      const at = (sign: number) =>
        tf.tidy(() => {
          const moved = inputs.map((x, i) =>
            tf.tensor(
              i === k ? x.map((v, j) => v + sign * step * directions[k][j]) : x,
              c.shapes[i],
            )
          );
          const output = c.run(...moved as T4[]);
          const y = output.dataSync() as Float32Array;
          const w = values(output.shape, `${c.name}/weights`);
          return y.reduce((sum, v, j) => sum + v * w[j], 0);
        });
      const quotient = (at(1) - at(-1)) / (2 * step);
      const slope = gradient.reduce((sum, g, j) => sum + g * directions[k][j], 0);
      const norm = Math.hypot(...gradient) * Math.hypot(...directions[k]);
      const error = Math.abs(quotient - slope) / Math.max(1, norm);
      if (!(error < 1e-3)) wrong.push(`${c.name}, input ${k}: ${slope} is not ${quotient}`);
    });
  }
  assert.deepEqual(wrong, []);
});

Deno.test("wasm: depthwise gradients with dilation are the adjoint of the convolution", async () => {
  // TensorFlow.js refuses to differentiate a dilated convolution, so its kernels are called directly.
  await selectBackend("wasm");
  tf.tidy(() => {
    const x = tf.tensor4d(values([2, 9, 8, 6], "dilated x"), [2, 9, 8, 6]);
    const filter = tf.tensor4d(values([3, 3, 6, 1], "dilated filter"), [3, 3, 6, 1]);
    const y = tf.depthwiseConv2d(x, filter, 1, "same", "NHWC", 2);
    const dy = tf.tensor4d(values(y.shape, "dilated dy"), y.shape);
    const run = (kernel: string, inputs: Record<string, tf.Tensor>, shapes: object) =>
      tf.engine().runKernel(
        kernel,
        inputs,
        { strides: 1, pad: "same", dilations: 2, ...shapes } as unknown as tf.NamedAttrMap,
      ) as tf.Tensor;
    const dx = run(tf.DepthwiseConv2dNativeBackpropInput, { dy, filter }, { inputShape: x.shape });
    const dw = run(tf.DepthwiseConv2dNativeBackpropFilter, { x, dy }, {
      filterShape: filter.shape,
    });
    const [a, b, c] = [[y, dy], [x, dx], [filter, dw]].map(([p, q]) =>
      tf.sum(tf.mul(p, q)).dataSync()[0]
    );
    assert.ok(Math.abs(a - b) < 1e-4 * Math.abs(a), `${b}, should be ${a}`);
    assert.ok(Math.abs(a - c) < 1e-4 * Math.abs(a), `${c}, should be ${a}`);
  });
});

Deno.test("wasm: batch statistics stay accurate far from zero", async () => {
  await selectBackend("wasm");
  const rows = 64 * 64 * 8;
  const x = values([rows, 5], "offset").map((v) => 300 + 2 * v);
  const [mean, variance] = tf.tidy(() => {
    const t = tf.tensor4d(x, [8, 64, 64, 5]);
    const result = batchNormTrain(t, tf.ones([5]), tf.zeros([5]), 1e-3);
    return [result.mean.dataSync(), result.variance.dataSync()];
  });
  for (let c = 0; c < 5; c++) {
    const column = Array.from({ length: rows }, (_, i) => x[5 * i + c]);
    const m = column.reduce((a, b) => a + b) / rows;
    const v = column.reduce((a, b) => a + (b - m) ** 2, 0) / rows;
    assert.ok(Math.abs(mean[c] - m) < 1e-6 * m, `mean ${mean[c]}, should be ${m}`);
    assert.ok(Math.abs(variance[c] - v) < 1e-4 * v, `variance ${variance[c]}, should be ${v}`);
  }
});

Deno.test("wasm: swish holds at both ends of the float range and passes NaN on", async () => {
  await selectBackend("wasm");
  const y = tf.tidy(() => swish(tf.tensor1d([-1e30, -100, 0, 100, 1e30, NaN])).dataSync());
  assert.deepEqual([...y].slice(2, 5), [0, 100, Math.fround(1e30)]);
  assert.ok(Math.abs(y[1]) < 1e-30 && Number.isFinite(y[0]));
  assert.ok(Number.isNaN(y[5]));
});

Deno.test("wasm: gradients of a channels-first convolution are refused by name", async () => {
  await selectBackend("wasm");
  const attrs = { strides: 1, pad: "same", dataFormat: "NCHW", filterShape: [3, 3, 2, 2] };
  const x = tf.zeros([1, 2, 4, 4]);
  assert.throws(
    () =>
      tf.engine().runKernel(
        tf.Conv2DBackpropFilter,
        { x, dy: x },
        attrs as unknown as tf.NamedAttrMap,
      ),
    /need NHWC, got NCHW/,
  );
  x.dispose();
});
