import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { createRandom } from "../../lib/base/random.ts";
import { normalizeRgb } from "../../lib/image/normalize.ts";
import { cryptSaliency, meanLogOdds } from "../../lib/inference/saliency.ts";
import { createModel } from "../../lib/model/mod.ts";

await selectBackend("cpu");

const SIDE = 16, PIXELS = SIDE * SIDE;

function setting(classes: number) {
  const random = createRandom(3);
  const model = createModel({
    ...{ architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3, classes, seed: 2 },
    decoderChannels: [8, 8, 8],
  });
  const bytes = Uint8Array.from({ length: 3 * PIXELS }, () => random.int(256));
  const image = { data: bytes, height: SIDE, width: SIDE };
  const inside = (_: unknown, i: number) => Math.floor(i / SIDE) > 8 && i % SIDE < 6 ? 255 : 0;
  const region = { data: Uint8Array.from({ length: PIXELS }, inside), height: SIDE, width: SIDE };
  return { model, image, region };
}

for (const classes of [1, 2, 3]) {
  Deno.test(`saliency of ${classes} classes is the finite difference of the log odds`, async () => {
    const { model, image, region } = setting(classes);
    try {
      const map = await cryptSaliency(model, image, region, { noise: 0 });
      const input = new Float32Array(3 * PIXELS);
      normalizeRgb(image.data, model.preprocessing, input, 0);
      const mask = region.data.map((v) => v === 0 ? 0 : 1);
      const value = (at: Float32Array) =>
        tf.tidy(() =>
          meanLogOdds(
            model,
            tf.tensor4d(at, [1, SIDE, SIDE, 3]),
            tf.tensor3d(Float32Array.from(mask), [1, SIDE, SIDE]),
          ).dataSync()[0]
        );
      const step = 0.05, largest = Math.max(...map);
      for (const pixel of [10 * SIDE + 2, 9 * SIDE + 5, 12 * SIDE + 4]) {
        const slopes = [0, 1, 2].map((c) => {
          const [up, down] = [input.slice(), input.slice()];
          up[3 * pixel + c] += step;
          down[3 * pixel + c] -= step;
          return Math.abs(value(up) - value(down)) / (2 * step);
        });
        const difference = Math.abs(map[pixel] - Math.max(...slopes));
        assert.ok(difference < 0.01 * largest, `${map[pixel]} is not among ${slopes}`);
      }
      assert.ok(largest > 0);
    } finally {
      model.dispose();
    }
  });
}

Deno.test("the log odds are those of the model's probabilities", () => {
  const { model, region } = setting(3);
  try {
    tf.tidy(() => {
      const x = tf.randomNormal([1, SIDE, SIDE, 3], 0, 1, "float32", 5) as tf.Tensor4D;
      const mask = tf.tensor3d(
        Float32Array.from(region.data, (v) => v / 255),
        [1, SIDE, SIDE],
      );
      const odds = meanLogOdds(model, x, mask).dataSync()[0];
      const p = tf.softmax(model.forward(x)).dataSync();
      let sum = 0, count = 0;
      region.data.forEach((v, i) => {
        if (v === 0) return;
        sum += Math.log((1 - p[3 * i]) / p[3 * i]);
        count++;
      });
      assert.ok(Math.abs(odds - sum / count) < 1e-4);
    });
  } finally {
    model.dispose();
  }
});

Deno.test("saliency repeats itself, keeps no tensor and refuses what does not fit", async () => {
  const { model, image, region } = setting(2);
  try {
    const before = tf.memory().numTensors, options = { samples: 2, noise: 0.1 };
    const first = await cryptSaliency(model, image, region, options);
    assert.equal(tf.memory().numTensors, before);
    assert.deepEqual(await cryptSaliency(model, image, region, options), first);
    assert.notDeepEqual(await cryptSaliency(model, image, region, { ...options, seed: 1 }), first);
    const none = { ...region, data: new Uint8Array(PIXELS) };
    await assert.rejects(cryptSaliency(model, image, none), /holds no pixel/);
    const small = { data: new Uint8Array(12), height: 3, width: 4 };
    await assert.rejects(cryptSaliency(model, image, small), /must have the same size/);
    const odd = { data: new Uint8Array(36), height: 3, width: 4 };
    await assert.rejects(cryptSaliency(model, odd, small), /multiples of 8 .* got 3 x 4/);
    await assert.rejects(cryptSaliency(model, image, region, { samples: 0 }), /got 0/);
    await assert.rejects(cryptSaliency(model, image, region, { noise: -1 }), /got -1/);
  } finally {
    model.dispose();
  }
});
