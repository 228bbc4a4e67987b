import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { readManifest } from "../../lib/backend/native/files.ts";
import { selectBackend } from "../../lib/backend/select.ts";
import { adamStep } from "../../lib/tensor/adam_step.ts";
import { blend } from "../../lib/tensor/blend.ts";
import { batchNormTrain } from "../../lib/tensor/batch_norm.ts";
import { Fused, hasFused } from "../../lib/tensor/fused.ts";
import { channelScale, globalAverage, squeezeExcite } from "../../lib/tensor/squeeze_excite.ts";
import { relu6 } from "../../lib/tensor/relu6.ts";
import { swish } from "../../lib/tensor/swish.ts";
import { upsampleConcat } from "../../lib/tensor/upsample_concat.ts";
import { createRandom } from "../../lib/base/random.ts";

function normal(label: string, ...shape: number[]): tf.Tensor {
  const random = createRandom(5).fork(label);
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return tf.tensor(values, shape);
}

function close(got: ArrayLike<number>, want: ArrayLike<number>, tolerance: number): void {
  assert.equal(got.length, want.length);
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i] - want[i]);
    assert.ok(
      error <= tolerance * (1 + Math.abs(want[i])),
      `${i}: ${got[i]}, should be ${want[i]}`,
    );
  }
}

/** Kernels that wasm does without. */
const NATIVE_ONLY: string[] = [
  Fused.SqueezeExcite,
  Fused.SqueezeExciteGrad,
  Fused.UpsampleConcat,
  Fused.UpsampleConcatGrad,
  Fused.Blend,
];

Deno.test("wasm has every fused kernel but five, cpu has none: both ways of each operation are tested", async () => {
  await selectBackend("wasm");
  for (const name of Object.values(Fused)) {
    assert.equal(hasFused(name), !NATIVE_ONLY.includes(name), name);
  }
  await selectBackend("cpu");
  for (const name of Object.values(Fused)) assert.ok(!hasFused(name), name);
});

/** Squeeze and excitation of `x` [B,P,C] in float64. */
function squeezeExciteByHand(
  [x, reduce, reduceBias, widen, widenBias]: number[][],
  [samples, pixels, channels, squeezed]: number[],
  activation: "relu" | "swish",
): number[] {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const sum = (count: number, of: (i: number) => number) =>
    range(count).reduce((total, i) => total + of(i), 0);
  const y: number[] = [];
  for (const b of range(samples)) {
    const at = (p: number, c: number) => x[(b * pixels + p) * channels + c];
    const means = range(channels).map((c) => sum(pixels, (p) => at(p, c)) / pixels);
    const narrow = range(squeezed).map((s) => {
      const z = reduceBias[s] + sum(channels, (c) => means[c] * reduce[c * squeezed + s]);
      return activation === "relu" ? Math.max(0, z) : z * sigmoid(z);
    });
    const gate = range(channels).map((c) =>
      sigmoid(widenBias[c] + sum(squeezed, (s) => narrow[s] * widen[s * channels + c]))
    );
    for (const p of range(pixels)) for (const c of range(channels)) y.push(at(p, c) * gate[c]);
  }
  return y;
}

const NATIVE = readManifest() ? ["tfjs-node"] : [];
for (const backend of ["wasm", "cpu", ...NATIVE]) {
  Deno.test(`${backend}: squeeze and excitation equals float64's, its five gradients finite differences`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const sizes = [3, 20, 19, 5];
    const [samples, pixels, channels, squeezed] = sizes;
    const shapes = [
      [samples, 4, pixels / 4, channels],
      [1, 1, channels, squeezed],
      [squeezed],
      [1, 1, squeezed, channels],
      [channels],
    ];
    for (const activation of ["relu", "swish"] as const) {
      const [y, ...gradients] = tf.tidy(() => {
        const inputs = shapes.map((shape, i) => normal(`squeeze ${i}`, ...shape));
        const dy = normal("slope", ...shapes[0]);
        const run = (...[x, reduce, reduceBias, widen, widenBias]: tf.Tensor[]) =>
          squeezeExcite(
            x as tf.Tensor4D,
            { reduce, reduceBias, widen, widenBias } as Parameters<typeof squeezeExcite>[1],
            activation,
          );
        return [run(...inputs), ...tf.grads(run)(inputs, dy)].map((t) => [...t.dataSync()]);
      });
      const [slope, ...inputs] = tf.tidy(() =>
        [
          normal("slope", ...shapes[0]),
          ...shapes.map((shape, i) => normal(`squeeze ${i}`, ...shape)),
        ]
          .map((t) => [...t.dataSync()])
      );
      close(y, squeezeExciteByHand(inputs, sizes, activation), 1e-6);
      gradients.forEach((gradient, which) => {
        const differences = gradient.map((_, i) => {
          const moved = (by: number) => {
            const values = inputs.map((v, k) => k === which ? v.with(i, v[i] + by) : v);
            const out = squeezeExciteByHand(values, sizes, activation);
            return out.reduce((total, v, k) => total + v * slope[k], 0);
          };
          return (moved(1e-5) - moved(-1e-5)) / 2e-5;
        });
        close(gradient, differences, 1e-5);
      });
    }
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: each pixel four times, joined with skips; gradients are the sums of four, and copies`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const [batch, height, width] = [2, 3, 5];
    for (const channels of [[19], [8, 3], [5, 16, 9]]) {
      const all = channels.reduce((a, b) => a + b);
      const [x, skips, dy] = tf.tidy(() => [
        normal("small", batch, height, width, channels[0]).dataSync(),
        channels.slice(1).map((c, i) =>
          normal(`skip ${i}`, batch, 2 * height, 2 * width, c).dataSync()
        ),
        normal("joined", batch, 2 * height, 2 * width, all).dataSync(),
      ]);
      const y = new Float32Array(dy.length), dx = new Float64Array(x.length);
      const dskips = skips.map((skip) => new Float32Array(skip.length));
      for (let p = 0; p < batch * 4 * height * width; p++) {
        const [row, column] = [Math.floor(p / (2 * width)), p % (2 * width)];
        const small = Math.floor(row / 2) * width + Math.floor(column / 2);
        for (let c = 0; c < channels[0]; c++) {
          y[p * all + c] = x[small * channels[0] + c];
          dx[small * channels[0] + c] += dy[p * all + c];
        }
        let at = channels[0];
        skips.forEach((skip, i) => {
          for (let c = 0; c < channels[i + 1]; c++, at++) {
            y[p * all + at] = skip[p * channels[i + 1] + c];
            dskips[i][p * channels[i + 1] + c] = dy[p * all + at];
          }
        });
      }
      const [got, gotX, ...gotSkips] = tf.tidy(() => {
        const sides = [batch, 2 * height, 2 * width];
        const inputs = [
          tf.tensor(x, [batch, height, width, channels[0]]),
          ...skips.map((skip, i) => tf.tensor(skip, [...sides, channels[i + 1]])),
        ];
        const run = (...[small, ...rest]: tf.Tensor[]) =>
          upsampleConcat(small as tf.Tensor4D, rest as tf.Tensor4D[]);
        const joined = run(...inputs);
        assert.deepEqual(joined.shape, [...sides, all]);
        const gradients = tf.grads(run)(inputs, tf.tensor(dy, joined.shape));
        return [joined, ...gradients].map((t) => t.dataSync());
      });
      assert.deepEqual(got, y);
      close(gotX, dx, 1e-6);
      assert.deepEqual(gotSkips, dskips);
    }
    const [x, skip] = [tf.zeros([1, 2, 2, 1]), tf.zeros([1, 4, 5, 1])] as tf.Tensor4D[];
    assert.throws(
      () => upsampleConcat(x, [skip]),
      /\[1,2,2,1\] upsampled cannot be joined with \[1,4,5,1\]/,
    );
    tf.dispose([x, skip]);
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: blends of tensors of all sizes equal their formula`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const shapes = [[7], [], [40_003], [2, 3, 5], [1]];
    tf.tidy(() => {
      const [from, to] = ["from", "to"].map((label) =>
        shapes.map((shape, i) => normal(`${label} ${i}`, ...shape))
      );
      const blended = blend(from, to, 0.25);
      blended.forEach((t, i) => {
        assert.deepEqual(t.shape, shapes[i]);
        const [a, b] = [from[i], to[i]].map((t) => t.dataSync());
        close(t.dataSync(), a.map((v, k) => v + 0.25 * (b[k] - v)), 1e-6);
      });
      assert.deepEqual(blend([], [], 0.5), []);
      assert.throws(() => blend(from, to.slice(1), 0.5), /5 tensors cannot be blended with 4/);
    });
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: operations equal their definitions`, async () => {
    await selectBackend(backend);
    tf.tidy(() => {
      const x = normal("x", 2, 3, 4, 5) as tf.Tensor4D;
      const values = x.dataSync();
      const at = (b: number, p: number, c: number) => values[(b * 12 + p) * 5 + c];

      close(swish(x).dataSync(), values.map((v) => v / (1 + Math.exp(-v))), 1e-6);

      const mean = globalAverage(x).dataSync();
      const gate = normal("gate", 2, 1, 1, 5) as tf.Tensor4D;
      const scaled = channelScale(x, gate).dataSync();
      const gates = gate.dataSync();
      for (let b = 0; b < 2; b++) {
        for (let c = 0; c < 5; c++) {
          let sum = 0;
          for (let p = 0; p < 12; p++) {
            sum += at(b, p, c);
            close([scaled[(b * 12 + p) * 5 + c]], [at(b, p, c) * gates[b * 5 + c]], 1e-6);
          }
          close([mean[b * 5 + c]], [sum / 12], 1e-6);
        }
      }
    });
  });

  Deno.test(`${backend}: ReLU6 and its gradient, zero at both bounds as PyTorch has it`, async () => {
    await selectBackend(backend);
    const before = tf.memory().numTensors;
    const [y, slope] = tf.tidy(() => {
      const x = tf.tensor1d([-2, 0, 1.5, 5.75, 6, 9]);
      const dy = tf.tensor1d([1, 1, 2, 3, 1, 1]);
      return [relu6(x).dataSync(), tf.grad((t) => relu6(t))(x, dy).dataSync()];
    });
    assert.ok(Number.isNaN(tf.tidy(() => relu6(tf.scalar(NaN)).dataSync()[0])), "NaN is passed on");
    assert.deepEqual([...y], [0, 0, 1.5, 5.75, 6, 6]);
    assert.deepEqual([...slope], [0, 0, 2, 3, 0, 0]);
    assert.equal(tf.memory().numTensors, before);
  });

  Deno.test(`${backend}: batch norm gives mean, biased variance and the activated output`, async () => {
    await selectBackend(backend);
    tf.tidy(() => {
      const x = normal("bn", 3, 4, 4, 2) as tf.Tensor4D;
      const values = x.dataSync();
      const gamma = tf.tensor1d([1.5, -0.5]);
      const beta = tf.tensor1d([0.25, 1]);
      const result = batchNormTrain(x, gamma, beta, 0.01, "relu");
      const y = result.y.dataSync();
      for (let c = 0; c < 2; c++) {
        const column = Array.from({ length: 48 }, (_, i) => values[2 * i + c]);
        const mean = column.reduce((a, b) => a + b) / 48;
        const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / 48;
        close([result.mean.dataSync()[c], result.variance.dataSync()[c]], [mean, variance], 1e-5);
        const [g, b] = [[1.5, 0.25], [-0.5, 1]][c];
        column.forEach((v, i) => {
          const z = g * (v - mean) / Math.sqrt(variance + 0.01) + b;
          close([y[2 * i + c]], [Math.max(0, z)], 1e-5);
        });
      }
    });
  });

  Deno.test(`${backend}: the optimizer's step equals its formula, adaptive and not`, async () => {
    await selectBackend(backend);
    tf.tidy(() => {
      const [p, g, m] = ["p", "g", "m"].map((name) => normal(name, 13));
      const v = tf.square(normal("v", 13));
      const [ps, gs, ms, vs] = [p, g, m, v].map((t) => t.dataSync());
      const attrs = {
        beta1: 0.95,
        beta2: 0.999,
        epsilon: 1e-5,
        rate: 0.01,
        decay: 0.99,
        rootScale: 1.5,
      };
      for (const adaptive of [true, false]) {
        const [p2, m2, v2] = adamStep(p, g, m, v, { ...attrs, adaptive }).map((t) => t.dataSync());
        for (let i = 0; i < 13; i++) {
          const mean = 0.95 * ms[i] + 0.05 * gs[i];
          const square = 0.999 * vs[i] + 0.001 * gs[i] ** 2;
          const divisor = adaptive ? 1.5 * Math.sqrt(square) + 1e-5 : 1;
          close([p2[i], m2[i], v2[i]], [0.99 * ps[i] - 0.01 * mean / divisor, mean, square], 1e-5);
        }
      }
    });
  });
}
