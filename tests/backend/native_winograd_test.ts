/**
 * The native backend's 3 x 3 convolutions by Winograd's filtering against direct sums in float64, in the
 * vectors of every level of processor that this machine can stand for.
 */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { readManifest } from "../../lib/backend/native/files.ts";
import { winogradPays } from "../../lib/backend/native/winograd.ts";

/** The bound on the root of the mean square error, in deviations of the output. */
const BOUND = 5e-6;

const installed = readManifest() !== null;
/** Set in the processes that {@link LEVELS} starts. */
const level = Deno.env.get("CRYPTS_PROCESSOR");
const LEVELS = ["x86-64-v3", "x86-64"];

interface Convolution {
  batch: number;
  height: number;
  width: number;
  channels: number;
  outHeight: number;
  outWidth: number;
  outChannels: number;
  /** Top, bottom, left, right. */
  pads: [number, number, number, number];
}
type Pads = Convolution["pads"];
type Size4 = [number, number, number, number];

/**
 * Sides even and odd, channels around the vectors of 8 and 16 and below them, every padding; then filters
 * that are evaluated block by block, and many tiles.
 */
const CASES: Convolution[] = [
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

function of(
  batch: number,
  [height, width]: [number, number],
  [channels, outChannels]: [number, number],
  pads: Pads,
): Convolution {
  const outHeight = height + pads[0] + pads[1] - 2;
  const outWidth = width + pads[2] + pads[3] - 2;
  return { batch, height, width, channels, outHeight, outWidth, outChannels, pads };
}

function infoOf(g: Convolution): tf.backend_util.Conv2DInfo {
  const [top, bottom, left, right] = g.pads;
  return tf.backend_util.computeConv2DInfo(
    [g.batch, g.height, g.width, g.channels],
    [3, 3, g.channels, g.outChannels],
    1,
    1,
    [[0, 0], [top, bottom], [left, right], [0, 0]],
  );
}

/** Every product of the convolution: image, filter and output index. */
function eachProduct(g: Convolution, use: (x: number, w: number, y: number) => void): void {
  for (let at = 0; at < g.batch * g.outHeight * g.outWidth; at++) {
    const [ox, oy] = [at % g.outWidth, Math.floor(at / g.outWidth) % g.outHeight];
    const sample = Math.floor(at / (g.outWidth * g.outHeight));
    for (let tap = 0; tap < 9; tap++) {
      const [y, x] = [oy + Math.floor(tap / 3) - g.pads[0], ox + tap % 3 - g.pads[2]];
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
      const pixel = ((sample * g.height + y) * g.width + x) * g.channels;
      for (let c = 0; c < g.channels; c++) {
        const w = (tap * g.channels + c) * g.outChannels;
        for (let o = 0; o < g.outChannels; o++) use(pixel + c, w + o, at * g.outChannels + o);
      }
    }
  }
}

function assertNear(got: tf.TypedArray, want: Float64Array, what: string): void {
  const mean = want.reduce((a, b) => a + b) / want.length;
  const deviation = Math.sqrt(want.reduce((sum, v) => sum + (v - mean) ** 2, 0) / want.length);
  const error = Math.sqrt(want.reduce((sum, v, i) => sum + (v - got[i]) ** 2, 0) / want.length);
  assert.ok(error < BOUND * deviation, `${what}: ${error / deviation} of the deviation`);
}

/** The convolution and both gradients by TensorFlow.js's own operations, as the model calls them. */
function run(
  g: Convolution,
  [x, filter, dy]: tf.Tensor4D[],
): { y: tf.TypedArray; dx: tf.TypedArray; dw: tf.TypedArray } {
  const [top, bottom, left, right] = g.pads;
  const pad: tf.backend_util.ExplicitPadding = [[0, 0], [top, bottom], [left, right], [0, 0]];
  return tf.tidy(() => {
    const y = tf.conv2d(x, filter, 1, pad);
    const [dx, dw] = tf.grads((x, filter) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, pad)
    )(
      [x, filter],
      dy,
    );
    return { y: y.dataSync(), dx: dx.dataSync(), dw: dw.dataSync() };
  });
}

function tensorsOf(g: Convolution): tf.Tensor4D[] {
  const spread = 1 / Math.sqrt(9 * g.channels);
  const image: Size4 = [g.batch, g.height, g.width, g.channels];
  const output: Size4 = [g.batch, g.outHeight, g.outWidth, g.outChannels];
  return [
    tf.randomNormal(image, 0, 1, "float32", 1),
    tf.randomNormal([3, 3, g.channels, g.outChannels] as Size4, 0, spread, "float32", 2),
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

for (const g of CASES) {
  const name = `${[g.batch, g.height, g.width, g.channels]} to ${g.outChannels}, pads ${g.pads}`;
  nativeTest(
    `tfjs-node: Winograd's convolution and gradients equal float64's: ${name}`,
    async () => {
      await selectBackend("tfjs-node");
      assert.ok(winogradPays(infoOf(g), "convolution"), "the case is not one of Winograd's");
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
      assertNear(got.y, y, "convolution");
      assertNear(got.dx, dx, "input gradient");
      assertNear(got.dw, dw, "filter gradient");
      assert.deepEqual(run(g, inputs), got, "the same bits again");
      tf.dispose(inputs);
      assert.equal(tf.memory().numTensors, tensors);
    },
  );
}

nativeTest(
  "tfjs-node: NaN and infinity reach every output that they reach in direct sums",
  async () => {
    await selectBackend("tfjs-node");
    const g = of(1, [16, 24], [16, 16], [1, 1, 1, 1]);
    for (const value of [NaN, Infinity, -Infinity]) {
      const inputs = tensorsOf(g);
      const clean = run(g, inputs).y;
      const xs = inputs[0].dataSync().slice();
      // Pixel (6, 9), in the tile of rows and columns 4 to 7 and 8 to 11.
      xs[(6 * g.width + 9) * g.channels + 3] = value;
      const spoilt = tf.tensor4d(xs, inputs[0].shape);
      const { y } = run(g, [spoilt, inputs[1], inputs[2]]);
      for (let i = 0; i < y.length; i++) {
        const [row, column] = [Math.floor(i / 16 / g.width), Math.floor(i / 16) % g.width];
        const near = Math.abs(row - 6) <= 1 && Math.abs(column - 9) <= 1;
        // The tiles whose 6 x 6 inputs hold the pixel.
        const tile = row >= 4 && row < 8 && column >= 8 && column < 12;
        if (near) assert.ok(!Number.isFinite(y[i]), `${value} does not reach ${row}, ${column}`);
        else if (!tile) assert.equal(y[i], clean[i], `${value} reaches ${row}, ${column}`);
      }
      tf.dispose([spoilt, ...inputs]);
    }
  },
);

Deno.test("Winograd's filtering is for 3 x 3, stride 1, enough tiles, few empty pixels, pads up to 2", () => {
  const pays = (g: Convolution) => winogradPays(infoOf(g), "convolution");
  assert.ok(pays(of(8, [16, 16], [128, 128], [1, 1, 1, 1])));
  assert.ok(!pays(of(1, [8, 8], [128, 128], [1, 1, 1, 1])), "4 tiles");
  assert.ok(!pays(of(64, [2, 2], [128, 128], [1, 1, 1, 1])), "tiles three quarters empty");
  assert.ok(!pays(of(8, [16, 16], [2, 16], [1, 1, 1, 1])), "two channels");
  assert.ok(!pays(of(8, [16, 16], [16, 16], [3, 1, 1, 1])), "three rows of zeros");
  const head = infoOf(of(8, [128, 128], [16, 2], [1, 1, 1, 1]));
  assert.ok(winogradPays(head, "convolution") && !winogradPays(head, "input gradient"));
  const shape: Size4 = [8, 32, 32, 16];
  const other = (filter: Size4, stride: number, dilation: number) =>
    winogradPays(
      tf.backend_util.computeConv2DInfo(shape, filter, stride, dilation, "same"),
      "convolution",
    );
  assert.ok(other([3, 3, 16, 16], 1, 1));
  assert.ok(!other([3, 1, 16, 16], 1, 1) && !other([5, 5, 16, 16], 1, 1));
  assert.ok(!other([3, 3, 16, 16], 2, 1) && !other([3, 3, 16, 16], 1, 2));
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
