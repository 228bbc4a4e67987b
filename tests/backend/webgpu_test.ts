/**
 * The WebGPU backend against the plain JavaScript one, in small cases: on a software adapter too (Debian:
 * mesa-vulkan-drivers). Results are read asynchronously; WebGPU has no other way outside a browser.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { SOFTWARE_VARIABLE } from "../../lib/backend/webgpu.ts";
import { crossEntropy } from "../../lib/tensor/losses.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { createRandom } from "../../lib/base/random.ts";

type T4 = tf.Tensor4D;
type Size4 = [number, number, number, number];

const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) {
  console.warn("no WebGPU adapter (apt install mesa-vulkan-drivers): its tests are skipped");
}

/** A test on WebGPU, software adapters included; skipped, and named so, where there is no adapter. */
function webgpuTest(name: string, run: () => Promise<void>): void {
  Deno.test({
    name: adapter ? name : `${name} (skipped: no WebGPU adapter)`,
    ignore: !adapter,
    // The device lives as long as the process.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      const before = Deno.env.get(SOFTWARE_VARIABLE);
      Deno.env.set(SOFTWARE_VARIABLE, "1");
      try {
        await run();
      } finally {
        if (before === undefined) Deno.env.delete(SOFTWARE_VARIABLE);
        else Deno.env.set(SOFTWARE_VARIABLE, before);
      }
    },
  });
}

function normals(shape: number[], label: string): tf.Tensor {
  const random = createRandom(3).fork(label);
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  return tf.tensor(values, shape);
}

interface Case {
  name: string;
  shapes: number[][];
  run: (...inputs: T4[]) => tf.Tensor;
}

/** Output and gradients of every case on the active backend. */
async function evaluate(cases: Case[]): Promise<Float32Array[][]> {
  const results: Float32Array[][] = [];
  for (const { name, shapes, run } of cases) {
    const tensors = tf.tidy(() => {
      const inputs = shapes.map((shape, i) => normals(shape, `${name}/${i}`));
      const output = run(...inputs as T4[]);
      const weights = normals(output.shape, `${name}/weights`);
      const sum = (...xs: tf.Tensor[]) => tf.sum(tf.mul(run(...xs as T4[]), weights)) as tf.Scalar;
      return [output, ...tf.grads(sum)(inputs)];
    });
    results.push(await Promise.all(tensors.map((t) => t.data() as Promise<Float32Array>)));
    tf.dispose(tensors);
  }
  return results;
}

function difference(got: Float32Array, want: Float32Array): number {
  assert.equal(got.length, want.length);
  const scale = want.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  return got.reduce((max, v, i) => Math.max(max, Math.abs(v - want[i]) || 0), 0) / scale +
    (got.some(Number.isNaN) ? NaN : 0);
}

const cases: Case[] = [];
const SIZES: [Size4, [number, number], number][] = [
  [[2, 7, 9, 3], [3, 3], 5],
  [[1, 8, 8, 8], [5, 5], 4],
  [[2, 6, 5, 13], [1, 1], 2],
  [[1, 8, 9, 6], [1, 3], 4],
];
const PADS = ["same", "valid", 1, [[0, 0], [2, 0], [1, 3], [0, 0]]] as const;
for (const [image, kernel, out] of SIZES) {
  for (const stride of [1, 2]) {
    for (const pad of PADS) {
      cases.push({
        name: `conv2d ${image} * ${kernel} to ${out}, stride ${stride}, pad ${JSON.stringify(pad)}`,
        shapes: [image, [...kernel, image[3], out]],
        run: (x, filter) => tf.conv2d(x, filter, stride, pad as "same"),
      });
    }
  }
}
for (const stride of [1, 2]) {
  cases.push({
    name: `depthwise, stride ${stride}`,
    shapes: [[2, 9, 8, 6], [3, 3, 6, 1]],
    run: (x, filter) => tf.depthwiseConv2d(x, filter, stride, "same"),
  });
  for (const pad of ["same", 1] as const) {
    const shapes = [[2, 7, 8, 5]];
    const name = `pool, stride ${stride}, pad ${pad}`;
    cases.push({ name: `max ${name}`, shapes, run: (x) => tf.maxPool(x, 3, stride, pad) });
    cases.push({ name: `average ${name}`, shapes, run: (x) => tf.avgPool(x, 3, stride, pad) });
  }
}
cases.push({
  name: "upsampling by the nearest neighbour",
  shapes: [[2, 4, 5, 3]],
  run: (x) => tf.image.resizeNearestNeighbor(x, [8, 10]),
});
cases.push({
  name: "transposed convolution",
  shapes: [[2, 4, 5, 6], [4, 4, 3, 6]],
  run: (x, filter) => tf.conv2dTranspose(x, filter, [2, 8, 10, 3], 2, "same"),
});

webgpuTest(
  `webgpu: ${cases.length} kernels and their gradients equal the cpu backend's`,
  async () => {
    await selectBackend("cpu");
    const want = await evaluate(cases);
    await selectBackend("webgpu");
    const tensors = tf.memory().numTensors;
    const got = await evaluate(cases);
    assert.equal(tf.memory().numTensors, tensors);
    const wrong = cases.flatMap(({ name }, i) => {
      const errors = want[i].map((values, j) => difference(got[i][j], values));
      return errors.some((e) => !(e <= 2e-5)) ? [`${name}: ${errors}`] : [];
    });
    assert.deepEqual(wrong, []);
  },
);

webgpuTest("webgpu: loss and gradients of a Unet equal the cpu backend's", async () => {
  const step = async (backend: string) => {
    await selectBackend(backend);
    const model = createModel({
      architecture: "Unet",
      encoder: "efficientnet-b0",
      encoderDepth: 3,
      decoderChannels: [16, 8, 8],
      seed: 4,
    });
    const tensors = tf.memory().numTensors;
    const { value, grads } = tf.tidy(() => {
      const x = normals([2, 16, 16, 3], "image") as T4;
      const labels = tf.cast(tf.greater(normals([2, 16, 16], "labels"), 0), "int32") as tf.Tensor3D;
      return tf.variableGrads(
        () => crossEntropy(model.forward(x, { training: true }), labels),
        model.trainable,
      );
    });
    const values = new Map([["loss", await value.data() as Float32Array]]);
    for (const [name, { variable }] of model.parameters) {
      const gradient = grads[variable.name];
      if (gradient) values.set(name, await gradient.data() as Float32Array);
    }
    tf.dispose([value, grads]);
    assert.equal(tf.memory().numTensors, tensors);
    model.dispose();
    return values;
  };
  const want = await step("cpu");
  const got = await step("webgpu");
  assert.deepEqual([...got.keys()], [...want.keys()]);
  const wrong = [...want].flatMap(([name, values]) => {
    const error = difference(got.get(name)!, values);
    return error <= 2e-4 ? [] : [`${name}: ${error}`];
  });
  assert.deepEqual(wrong, []);
});

webgpuTest("webgpu: a software adapter is refused unless it is asked for", async () => {
  Deno.env.delete(SOFTWARE_VARIABLE);
  if (!/llvmpipe|swiftshader/i.test(adapter!.info.description)) return;
  await assert.rejects(selectBackend("webgpu"), /software.*CRYPTS_WEBGPU_SOFTWARE=1/s);
});
