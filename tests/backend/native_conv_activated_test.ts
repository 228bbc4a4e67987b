/** The native backend's convolutions with bias and activation in one pass, against float64. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { readManifest } from "../../lib/backend/native/files.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { convActivated } from "../../lib/tensor/conv_activated.ts";
import { Fused, hasFused } from "../../lib/tensor/fused.ts";
import {
  type Convolution,
  eachProduct,
  filterShape,
  of,
  type Size4,
} from "../support/convolutions.ts";

const installed = readManifest() !== null;

/** By Winograd's filtering, as matrices (few pixels, many), depthwise, and by TensorFlow's operation. */
const CASES: [Convolution, string][] = [
  [of(4, [9, 6], [13, 17], [1, 1, 1, 1]), "Winograd's"],
  [of(3, [7, 5], [13, 21], [0, 0, 0, 0], { taps: 1 }), "1x1"],
  [of(2, [40, 41], [17, 48], [0, 0, 0, 0], { taps: 1 }), "1x1"],
  [of(3, [9, 7], [17, 17], [2, 2, 2, 2], { taps: 5, stride: 2, depthwise: true }), "depthwise"],
  [of(2, [9, 9], [5, 7], [1, 1, 1, 1], { stride: 2 }), "TensorFlow's"],
  [of(2, [9, 9], [3, 3], [1, 1, 1, 1], { depthwise: true }), "TensorFlow's depthwise"],
];
const FORMULAS = {
  none: (z: number) => z,
  relu: (z: number) => z < 0 ? 0 : z,
  relu6: (z: number) => z < 0 ? 0 : z > 6 ? 6 : z,
  swish: (z: number) => z / (1 + Math.exp(-z)),
};

for (const [g, kind] of CASES) {
  const name = `tfjs-node: bias and activation after a convolution equal float64's: ${kind}, ` +
    `${[g.batch, g.height, g.width, g.channels]} to ${g.outChannels}`;
  Deno.test({
    name: installed ? name : `${name} (skipped: run deno task setup:tensorflow)`,
    ignore: !installed,
    fn: async () => {
      await selectBackend("tfjs-node");
      assert.ok(hasFused(g.depthwise ? Fused.DepthwiseActivated : Fused.ConvActivated));
      const tensors = tf.memory().numTensors;
      const sides: Size4 = [g.batch, g.height, g.width, g.channels];
      const x: tf.Tensor4D = tf.randomNormal(sides, 0, 1, "float32", 1);
      const filter: tf.Tensor4D = tf.randomNormal(filterShape(g), 0, 0.3, "float32", 2);
      // Both ends of the activations.
      const bias = tf.tensor1d(Array.from({ length: g.outChannels }, (_, c) => 9 * Math.sin(c)));
      const [xs, ws, bs] = [x, filter, bias].map((t) => t.dataSync());
      const size = g.batch * g.outHeight * g.outWidth * g.outChannels;
      const y = Float64Array.from({ length: size }, (_, o) => bs[o % g.outChannels]);
      eachProduct(g, (i, w, o) => y[o] += xs[i] * ws[w]);
      for (const activation of ["none", "relu", "relu6", "swish"] as const) {
        const { stride: strides, pads: [pad], depthwise } = g;
        const got = tf.tidy(() =>
          convActivated({ x, filter, bias, strides, pad, depthwise, activation }).dataSync()
        );
        assert.equal(got.length, size);
        y.forEach((z, o) => {
          const want = FORMULAS[activation](z);
          assert.ok(Math.abs(got[o] - want) < 2e-5, `${activation}(${z}) is ${got[o]}`);
        });
      }
      tf.dispose([x, filter, bias]);
      assert.equal(tf.memory().numTensors, tensors);
    },
  });
}

Deno.test({
  name: "tfjs-node: NaN passes through bias and activation" +
    (installed ? "" : " (skipped: run deno task setup:tensorflow)"),
  ignore: !installed,
  fn: async () => {
    await selectBackend("tfjs-node");
    const [x, bias] = [tf.fill([1, 2, 2, 16], NaN) as tf.Tensor4D, tf.ones([16]) as tf.Tensor1D];
    const filter = tf.ones([1, 1, 16, 16]) as tf.Tensor4D;
    for (const activation of ["none", "relu", "relu6", "swish"] as const) {
      const got = tf.tidy(() =>
        convActivated({ x, filter, bias, strides: 1, pad: 0, depthwise: false, activation })
          .dataSync()
      );
      assert.ok(got.every(Number.isNaN), activation);
    }
    tf.dispose([x, bias, filter]);
  },
});
