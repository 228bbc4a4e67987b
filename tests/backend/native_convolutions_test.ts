/**
 * The native backend's own convolutions (Winograd's 3 x 3, 1 x 1, depthwise) and their gradients against
 * direct sums in float64, in the vectors of every level of processor that this machine can stand for.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { depthwise } from "../../lib/backend/native/depthwise.ts";
import { readManifest } from "../../lib/backend/native/files.ts";
import type { Pass } from "../../lib/backend/native/own_convolution.ts";
import { pointwise } from "../../lib/backend/native/pointwise.ts";
import { winograd } from "../../lib/backend/native/winograd.ts";
import {
  assertNear,
  type Convolution,
  eachProduct,
  filterShape,
  infoOf,
  of,
  padding,
  type Pads,
  type Size4,
} from "../support/convolutions.ts";

const installed = readManifest() !== null;
/** Set in the processes that are started for each of {@link LEVELS}. */
const level = Deno.env.get("CRYPTS_PROCESSOR");
const LEVELS = ["x86-64-v3", "x86-64"];

const onePixel = (batch: number, sides: [number, number], channels: [number, number]) =>
  of(batch, sides, channels, [0, 0, 0, 0], { taps: 1 });
const eachChannel = (
  batch: number,
  sides: [number, number],
  channels: number,
  taps: number,
  stride: number,
  pads: Pads,
) => of(batch, sides, [channels, channels], pads, { taps, stride, depthwise: true });

/**
 * Winograd: sides even and odd, channels around the vectors of 8 and 16 and below them, every padding; then
 * filters that are evaluated block by block, and many tiles.
 */
const WINOGRAD = [
  of(2, [7, 9], [3, 5], [1, 1, 1, 1]),
  of(2, [8, 8], [8, 16], [1, 1, 1, 1]),
  of(6, [9, 6], [13, 17], [0, 0, 0, 0]),
  of(2, [5, 11], [4, 1], [2, 2, 2, 2]),
  of(4, [4, 17], [3, 12], [1, 0, 2, 1]),
  of(1, [10, 13], [21, 31], [0, 1, 0, 1]),
  of(2, [12, 12], [40, 24], [1, 1, 1, 1]),
  of(3, [10, 9], [120, 72], [1, 1, 1, 1]),
  of(2, [8, 8], [432, 40], [1, 1, 1, 1]),
  of(8, [64, 64], [17, 16], [1, 1, 1, 1]),
  of(2, [23, 65], [96, 48], [1, 1, 1, 1]),
];
/** 1 x 1: few and many pixels, shared by pixels or by channels; whole vectors and parts of them. */
const POINTWISE = [
  onePixel(1, [1, 1], [1, 1]),
  onePixel(3, [1, 1], [150, 7]),
  onePixel(3, [7, 5], [13, 21]),
  onePixel(2, [16, 16], [40, 240]),
  onePixel(2, [40, 41], [17, 48]),
  onePixel(2, [64, 48], [16, 33]),
  onePixel(1, [37, 40], [336, 392]),
];
/** Depthwise: both windows and strides, odd sides, images smaller than the window, every padding. */
const DEPTHWISE = [
  eachChannel(2, [8, 8], 32, 3, 1, [1, 1, 1, 1]),
  eachChannel(3, [9, 7], 17, 5, 2, [2, 2, 1, 2]),
  eachChannel(1, [17, 23], 40, 3, 2, [0, 1, 0, 1]),
  eachChannel(2, [2, 3], 24, 5, 1, [2, 2, 2, 2]),
  eachChannel(2, [33, 9], 64, 5, 1, [2, 1, 4, 0]),
  eachChannel(1, [6, 5], 16, 3, 1, [0, 0, 0, 0]),
  eachChannel(2, [40, 128], 96, 3, 1, [1, 1, 1, 1]),
];
const KINDS = [
  ["Winograd's 3x3", winograd, WINOGRAD],
  ["1x1", pointwise, POINTWISE],
  ["depthwise", depthwise, DEPTHWISE],
] as const;

/** The convolution and both gradients by TensorFlow.js's own operations, as the model calls them. */
function run(g: Convolution, [x, filter, dy]: tf.Tensor4D[]): Record<Pass, tf.TypedArray> {
  const convolve = (x: tf.Tensor, filter: tf.Tensor) => {
    const apply = g.depthwise ? tf.depthwiseConv2d : tf.conv2d;
    const how = [padding(g), "NHWC", 1, "floor"] as const;
    return apply(x as tf.Tensor4D, filter as tf.Tensor4D, g.stride, ...how);
  };
  return tf.tidy(() => {
    const y = convolve(x, filter);
    const [dx, dw] = tf.grads(convolve)([x, filter], dy);
    return {
      "convolution": y.dataSync(),
      "input gradient": dx.dataSync(),
      "filter gradient": dw.dataSync(),
    };
  });
}

function tensorsOf(g: Convolution): tf.Tensor4D[] {
  const spread = 1 / Math.sqrt(g.taps ** 2 * (g.depthwise ? 1 : g.channels));
  const image: Size4 = [g.batch, g.height, g.width, g.channels];
  const output: Size4 = [g.batch, g.outHeight, g.outWidth, g.outChannels];
  return [
    tf.randomNormal(image, 0, 1, "float32", 1),
    tf.randomNormal(filterShape(g), 0, spread, "float32", 2),
    tf.randomNormal(output, 0, 1, "float32", 3),
  ];
}

function nativeTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: installed ? name : `${name} (skipped: run deno task setup:tensorflow)`,
    ignore: !installed,
    fn,
  });
}

for (const [kind, own, cases] of KINDS) {
  for (const g of cases) {
    const shape = `${[g.batch, g.height, g.width, g.channels]} to ${g.outChannels}`;
    const name = `${kind}: ${shape}, ${g.taps} taps, stride ${g.stride}, pads ${g.pads}`;
    nativeTest(`tfjs-node: convolution and gradients equal float64's, ${name}`, async () => {
      await selectBackend("tfjs-node");
      assert.ok(own.pays(infoOf(g), "convolution"), "not a case of these kernels");
      const tensors = tf.memory().numTensors;
      const inputs = tensorsOf(g);
      const [xs, ws, gs] = inputs.map((t) => t.dataSync());
      const [y, dx, dw] = [gs, xs, ws].map(({ length }) => new Float64Array(length));
      eachProduct(g, (i, w, o) => {
        y[o] += xs[i] * ws[w];
        dx[i] += gs[o] * ws[w];
        dw[w] += xs[i] * gs[o];
      });
      const got = run(g, inputs);
      assertNear(got["convolution"], y, "convolution");
      assertNear(got["input gradient"], dx, "input gradient");
      assertNear(got["filter gradient"], dw, "filter gradient");
      assert.deepEqual(run(g, inputs), got, "the same bits again");
      tf.dispose(inputs);
      assert.equal(tf.memory().numTensors, tensors);
    });
  }
}

nativeTest(
  "tfjs-node: NaN and infinity reach every output that they reach in direct sums",
  async () => {
    await selectBackend("tfjs-node");
    const sides: [number, number] = [16, 24];
    for (
      const g of [
        of(1, sides, [16, 16], [1, 1, 1, 1]),
        eachChannel(1, sides, 16, 3, 1, [1, 1, 1, 1]),
        onePixel(1, sides, [16, 16]),
      ]
    ) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const inputs = tensorsOf(g);
        const clean = run(g, inputs).convolution;
        const xs = inputs[0].dataSync().slice();
        // Pixel (6, 9), in the tile of rows 4 to 7 and columns 8 to 11; channel 3.
        xs[(6 * g.width + 9) * g.channels + 3] = value;
        const spoilt = tf.tensor4d(xs, inputs[0].shape);
        const y = run(g, [spoilt, inputs[1], inputs[2]]).convolution;
        const reach = g.taps >> 1;
        for (let i = 0; i < y.length; i++) {
          const [row, column] = [Math.floor(i / 16 / g.width), Math.floor(i / 16) % g.width];
          const near = Math.abs(row - 6) <= reach && Math.abs(column - 9) <= reach &&
            (!g.depthwise || i % 16 === 3);
          // Winograd's tile may be lost as a whole.
          const tile = row >= 4 && row < 8 && column >= 8 && column < 12 && !g.depthwise &&
            g.taps === 3;
          if (near) assert.ok(!Number.isFinite(y[i]), `${value} is not at ${row}, ${column}`);
          else if (!tile) assert.equal(y[i], clean[i], `${value} is at ${row}, ${column}`);
        }
        tf.dispose([spoilt, ...inputs]);
      }
    }
  },
);

Deno.test("own convolutions are for the windows, strides, channels and layouts that they know", () => {
  const pays = (g: Convolution, pass: Pass = "convolution") => winograd.pays(infoOf(g), pass);
  assert.ok(pays(of(8, [16, 16], [128, 128], [1, 1, 1, 1])));
  assert.ok(!pays(of(1, [8, 8], [128, 128], [1, 1, 1, 1])), "4 tiles");
  assert.ok(!pays(of(64, [2, 2], [128, 128], [1, 1, 1, 1])), "tiles three quarters empty");
  assert.ok(!pays(of(8, [16, 16], [2, 16], [1, 1, 1, 1])), "two channels");
  assert.ok(!pays(of(8, [16, 16], [16, 16], [3, 1, 1, 1])), "three rows of zeros");
  const wide = of(8, [16, 16], [1024, 512], [1, 1, 1, 1]);
  assert.ok(pays(wide) && !pays(wide, "filter gradient"), "72 MiB of products");
  const head = of(8, [128, 128], [16, 2], [1, 1, 1, 1]);
  assert.ok(pays(head) && !pays(head, "input gradient"));
  assert.ok(!pays(of(8, [16, 16], [16, 16], [1, 1, 1, 1], { stride: 2 })), "stride 2");
  assert.ok(!pays(of(8, [16, 16], [16, 16], [2, 2, 2, 2], { taps: 5 })), "5 taps");
  const oneTap = (g: Convolution) => pointwise.pays(infoOf(g), "convolution");
  assert.ok(oneTap(onePixel(1, [8, 8], [8, 8])));
  assert.ok(!oneTap(of(1, [8, 8], [8, 8], [0, 0, 0, 0], { taps: 1, stride: 2 })), "stride 2");
  assert.ok(!oneTap(of(1, [8, 8], [8, 8], [1, 0, 0, 0], { taps: 1 })), "a row of zeros");
  const each = (g: Convolution, pass: Pass) => depthwise.pays(infoOf(g), pass);
  const strided = eachChannel(1, [9, 9], 16, 3, 2, [1, 1, 1, 1]);
  assert.ok(each(strided, "filter gradient") && !each(strided, "input gradient"));
  assert.ok(!each(eachChannel(1, [9, 9], 15, 3, 1, [1, 1, 1, 1]), "convolution"), "15 channels");
  assert.ok(!each(eachChannel(1, [9, 9], 16, 7, 1, [3, 3, 3, 3]), "convolution"), "7 taps");
  assert.ok(
    !each(eachChannel(1, [9, 9], 16, 3, 1, [3, 0, 0, 0]), "convolution"),
    "3 rows of zeros",
  );
  const filter: Size4 = [3, 3, 16, 2];
  const twice = tf.backend_util.computeConv2DInfo(
    [1, 9, 9, 16],
    filter,
    1,
    1,
    "same",
    "floor",
    true,
  );
  assert.ok(!depthwise.pays(twice, "convolution"), "two filters a channel");
  const spread = tf.backend_util.computeConv2DInfo([8, 16, 16, 16], [3, 3, 16, 16], 1, 2, "same");
  assert.ok(!winograd.pays(spread, "convolution"), "dilation");
});

for (const name of level || Deno.build.arch !== "x86_64" ? [] : LEVELS) {
  nativeTest(`tfjs-node: all of this holds in the vectors of ${name}`, async () => {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", new URL(import.meta.url).pathname],
      env: { CRYPTS_PROCESSOR: name, NO_COLOR: "1" },
    }).output();
    assert.ok(success, new TextDecoder().decode(stdout));
  });
}
