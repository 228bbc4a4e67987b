/** 3 x 3 convolutions by Winograd's filtering against direct sums in float64. */
import assert from "node:assert/strict";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import {
  type Convolution,
  winogradFilterGradient,
  winogradForward,
  winogradPays,
} from "../../lib/backend/wasm/winograd.ts";
import { assertNear, eachProduct, of as convolution } from "../support/convolutions.ts";

/** Sides even and odd, channels around the blocks of 4, 6 and 8, every padding; then deep ones. */
const CASES = [
  of(2, [7, 9], [3, 5], [1, 1]),
  of(1, [8, 8], [8, 16], [1, 1]),
  of(3, [9, 6], [13, 10], [0, 0]),
  of(2, [5, 11], [4, 1], [2, 2]),
  of(1, [4, 17], [1, 12], [1, 2]),
  of(1, [10, 10], [21, 28], [1, 1]),
  of(2, [12, 12], [128, 24], [1, 1]),
  of(2, [8, 8], [432, 16], [1, 1]),
];

function of(
  batch: number,
  sides: [number, number],
  channels: [number, number],
  pad: [number, number],
) {
  return { ...convolution(batch, sides, channels, [pad[0], pad[0], pad[1], pad[1]]), pad };
}

for (const g of CASES) {
  const { batch, height, width, channels, outHeight, outWidth, outChannels, pad } = g;
  const name = `${[batch, height, width, channels]} to ${outChannels}, pad ${pad}`;
  Deno.test(`wasm: Winograd's convolution and both gradients equal float64's: ${name}`, async () => {
    await selectBackend("wasm");
    const backend = tf.backend() as BackendWasm;
    const tensors = tf.memory().numTensors;
    const x = tf.randomNormal([batch, height, width, channels], 0, 1, "float32", 1);
    const spread = 1 / Math.sqrt(9 * channels);
    const filter = tf.randomNormal([3, 3, channels, outChannels], 0, spread, "float32", 2);
    const dy = tf.randomNormal([batch, outHeight, outWidth, outChannels], 0, 1, "float32", 3);
    const bias = tf.randomNormal([outChannels], 0, 1, "float32", 4);
    const [xs, ws, gs, bs] = [x, filter, dy, bias].map((t) => t.dataSync());
    const [y, activated, dx, dw] = [dy.size, dy.size, x.size, filter.size]
      .map((n) => new Float64Array(n));
    eachProduct(g, (i, w, o) => {
      y[o] += xs[i] * ws[w];
      dx[i] += gs[o] * ws[w];
      dw[w] += xs[i] * gs[o];
    });
    y.forEach((v, i) => activated[i] = Math.max(0, v + bs[i % outChannels]));
    const result = (shape: number[], run: (out: tf.TensorInfo) => void) => {
      const out = backend.makeOutput(shape, "float32");
      run(out);
      const tensor = tf.engine().makeTensorFromTensorInfo(out);
      const values = tensor.dataSync();
      tensor.dispose();
      return values;
    };
    const forward = (bias: tf.Tensor | null) =>
      result(
        dy.shape,
        (out) => winogradForward(backend, x, filter, false, g, out, bias, Number(bias !== null)),
      );
    const back: Convolution = {
      ...{ batch, height: outHeight, width: outWidth, channels: outChannels },
      ...{ outHeight: height, outWidth: width, outChannels: channels },
      pad: [2 - pad[0], 2 - pad[1]],
    };
    assertNear(forward(null), y, "convolution");
    assertNear(forward(bias), activated, "convolution with bias and ReLU");
    assertNear(
      result(x.shape, (out) => winogradForward(backend, dy, filter, true, back, out, null, 0)),
      dx,
      "input gradient",
    );
    assertNear(
      result(filter.shape, (out) => winogradFilterGradient(backend, x, dy, g, out)),
      dw,
      "filter gradient",
    );
    tf.dispose([x, filter, dy, bias]);
    assert.equal(tf.memory().numTensors, tensors);
  });
}

Deno.test("Winograd's filtering is for 3 x 3, stride 1, and enough tiles and channels", () => {
  const decoder = of(8, [16, 16], [128, 128], [1, 1]);
  const pays = (g: Convolution, kernel = [3, 3], stride = [1, 1]) =>
    winogradPays(kernel, stride, g, "image");
  assert.ok(pays(decoder));
  assert.ok(!pays(decoder, [1, 3]));
  assert.ok(!pays(decoder, [3, 3], [2, 1]));
  assert.ok(!pays(of(1, [8, 8], [128, 128], [1, 1])), "4 tiles");
  assert.ok(!pays(of(64, [2, 2], [128, 128], [1, 1])), "tiles three quarters empty");
  assert.ok(!pays(of(8, [64, 64], [3, 8], [1, 1])), "24 pairs of channels");
});
