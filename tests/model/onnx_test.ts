/** ONNX export and ONNX Runtime against the TensorFlow.js model. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { encodeOnnx, exportOnnx } from "../../lib/model/onnx/export.ts";
import { onnxFeatures, onnxPredictor } from "../../lib/model/onnx_predictor.ts";
import { OnnxRunner } from "../../lib/model/onnx/runner.ts";
import { onnxMetadata } from "../../lib/model/onnx/metadata.ts";
import { normalizeRgb } from "../../lib/image/normalize.ts";
import { createRandom } from "../../lib/base/random.ts";
import {
  closedFormImage,
  fillClosedForm,
  startBackend,
  toNchw,
} from "../support/reference_models.ts";

const SLIM = { decoderChannels: [32, 16, 16, 8, 8] };

for (
  const config of [
    { architecture: "Unet", encoder: "efficientnet-b0", ...SLIM },
    { architecture: "UnetPlusPlus", encoder: "resnet18", ...SLIM, encoderDepth: 5 },
    { architecture: "Linknet", encoder: "efficientnet-b1" },
    { architecture: "MAnet", encoder: "efficientnet-b0", ...SLIM },
    { architecture: "Unet", encoder: "resnet50", ...SLIM, classes: 3, decoderBatchNorm: false },
    { architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3, inChannels: 1 },
    { architecture: "Unet", encoder: "timm-tf_efficientnet_lite0", ...SLIM },
    { architecture: "Linknet", encoder: "efficientnet-b2", padding: "smp-0.3" } as const,
    { architecture: "MAnet", encoder: "timm-tf_efficientnet_lite1", padding: "smp-0.3" } as const,
  ]
) {
  const name = Object.values(config).join(" ");
  Deno.test(`ONNX Runtime gives the logits of the TensorFlow.js model: ${name}`, async () => {
    await startBackend();
    const model = createModel(config);
    fillClosedForm(model);
    const runner = await OnnxRunner.open(await encodeOnnx(model));
    // Batch and sides are free: the same file runs both.
    for (const [batch, height, width] of [[1, 64, 96], [2, 64, 64]]) {
      const rgb = closedFormImage("onnx", batch, height, width);
      const x = config.inChannels === 1 ? tf.slice(rgb, [0, 0, 0, 0], [-1, -1, -1, 1]) : rgb;
      const logits = model.predict(x);
      const want = await toNchw(logits);
      const { values, shape } = await runner.run(await toNchw(x), [
        batch,
        x.shape[3],
        height,
        width,
      ]);
      assert.deepEqual([...shape], [batch, logits.shape[3], height, width]);
      assertSpread(values, want, 1e-4);
      tf.dispose([rgb, x, logits]);
    }
    await runner.release();
    model.dispose();
  });
}

Deno.test("an ONNX predictor gives class 1's probability of each tile, from a model or a file", async () => {
  await startBackend();
  const model = createModel({ architecture: "Unet", encoder: "resnet18", ...SLIM, seed: 3 });
  const random = createRandom(5);
  const tiles = [0, 1].map(() => Uint8Array.from({ length: 64 * 32 * 3 }, () => random.int(256)));
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/model.onnx`;
    await exportOnnx(model, path);
    const before = tf.memory().numTensors;
    for (const source of [model, path]) {
      const predictor = await onnxPredictor(source, { threads: 1 });
      assert.equal(predictor.classes, 2);
      const got = await predictor.predict(tiles, 64, 32);
      assert.equal(got.length, 2);
      for (const [n, tile] of tiles.entries()) {
        const want = tf.tidy(() => {
          const x = tf.tensor4d(normalizeRgb(tile, model.preprocessing), [1, 64, 32, 3]);
          return tf.slice(tf.softmax(model.predict(x)), [0, 0, 0, 1]).dataSync();
        });
        assertSpread(got[n], want as Float32Array, 1e-3);
      }
      await assert.rejects(() => predictor.predict(tiles, 60, 32), /multiples of 32, got 60 x 32/);
      await assert.rejects(() => predictor.predict(tiles, 32, 32), /tile 0 holds 6144 bytes/);
      predictor.dispose();
      await assert.rejects(() => predictor.predict(tiles, 64, 32), /released/);
    }
    assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
  } finally {
    await Deno.remove(folder, { recursive: true });
    model.dispose();
  }
});

for (
  const [transposed, config] of [
    [3, { architecture: "Unet", encoder: "resnet18" }],
    [3, { architecture: "Unet", encoder: "efficientnet-b0", decoderBatchNorm: false, classes: 1 }],
    [2, {
      architecture: "Unet",
      encoder: "resnet18",
      encoderDepth: 3,
      decoderChannels: [96, 32, 64],
    }],
    [0, { architecture: "Unet", encoder: "resnet18", decoderAttention: "scse" }],
    [9, { architecture: "UnetPlusPlus", encoder: "resnet18" }],
    [0, { architecture: "Linknet", encoder: "resnet18" }],
  ] as const
) {
  const name = Object.values(config).join(" ");
  Deno.test(`probabilities with convolutions of upsampled maps as transposed ones are the model's: ${name}`, async () => {
    await startBackend();
    const model = createModel({ ...config, decoderChannels: config.decoderChannels?.slice() });
    fillClosedForm(model);
    const bytes = await encodeOnnx(model, { output: "probabilities" });
    const plain = await encodeOnnx(model);
    const count = (file: Uint8Array) =>
      new TextDecoder("latin1").decode(file).split("ConvTranspose").length - 1;
    assert.equal(count(bytes) - count(plain), transposed);
    const runner = await OnnxRunner.open(bytes);
    for (const [batch, height, width] of [[1, 64, 96], [2, 32, 64]]) {
      const x = closedFormImage("onnx", batch, height, width);
      const want = tf.tidy(() => {
        const logits = model.predict(x);
        return logits.shape[3] === 1 ? tf.sigmoid(logits) : tf.softmax(logits);
      }) as tf.Tensor4D;
      const { values } = await runner.run(await toNchw(x), [batch, 3, height, width]);
      const wanted = await toNchw(want);
      for (const [i, value] of wanted.entries()) {
        assert.ok(Math.abs(values[i] - value) < 1e-4, `${i}: ${values[i]}, not ${value}`);
      }
      tf.dispose([x, want]);
    }
    await runner.release();
    model.dispose();
  });
}

for (const classes of [1, 2, 3, 5]) {
  Deno.test(`exported probabilities of ${classes} classes are the softmax of the logits, large ones too`, async () => {
    await startBackend();
    const options = { encoderDepth: 3, decoderChannels: [16, 8, 8], classes, seed: 4 };
    const model = createModel({ architecture: "Unet", encoder: "resnet18", ...options });
    const [logits, probabilities] = await Promise.all(
      (["logits", "probabilities"] as const).map(async (output) =>
        await OnnxRunner.open(await encodeOnnx(model, { output }))
      ),
    );
    const shape = [2, 3, 16, 24] as const, pixels = 16 * 24;
    const image = closedFormImage("probabilities", 2, 16, 24), values = await toNchw(image);
    for (const scale of [1, 1e5]) {
      const input = values.map((v) => scale * v);
      const [raw, got] = [await logits.run(input, shape), await probabilities.run(input, shape)];
      assert.deepEqual([...got.shape], [2, classes, 16, 24]);
      const at = (n: number, c: number, i: number) => (n * classes + c) * pixels + i;
      for (let n = 0; n < 2; n++) {
        for (let i = 0; i < pixels; i++) {
          const own = Array.from({ length: classes }, (_, c) => raw.values[at(n, c, i)]);
          own.forEach((logit, c) => {
            const sum = own.reduce((s, other) => s + Math.exp(other - logit), 0);
            const want = 1 / (classes === 1 ? 1 + Math.exp(-logit) : sum);
            assert.ok(Math.abs(got.values[at(n, c, i)] - want) < 1e-6, `${scale}: ${logit}`);
          });
        }
      }
    }
    await Promise.all([logits.release(), probabilities.release()]);
    image.dispose();
    model.dispose();
  });
}

Deno.test("ONNX features are the TensorFlow.js model's bottleneck, channels first", async () => {
  await startBackend();
  const model = createModel({ architecture: "Linknet", encoder: "efficientnet-b0" });
  const tile = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 37) % 256);
  const features = await onnxFeatures(model);
  assert.equal(features.channels, 320);
  const x = tf.tensor4d(normalizeRgb(tile, model.preprocessing), [1, 64, 64, 3]);
  const want = model.feature(x, "bottleneck");
  assertSpread(await features.extract([tile], 64, 64), await toNchw(want), 1e-4);
  await features.dispose();
  tf.dispose([x, want]);
  model.dispose();
});

Deno.test("an ONNX file says which sides fit, and carries the metadata given to it", async () => {
  await startBackend();
  const options = { encoderDepth: 3, decoderChannels: [8, 8, 8], classes: 1 };
  const model = createModel({ architecture: "Unet", encoder: "efficientnet-b0", ...options });
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  try {
    await exportOnnx(model, path, { metadata: { "best valid_loss": "0.0696" } });
    const metadata = onnxMetadata(await Deno.readFile(path));
    assert.equal(metadata["best valid_loss"], "0.0696");
    assert.deepEqual(JSON.parse(metadata.config), model.config);
    const predictor = await onnxPredictor(path, { name: "fold 0" });
    assert.deepEqual([predictor.name, predictor.sideMultiple, predictor.classes], ["fold 0", 8, 1]);
    const tile = new Uint8Array(24 * 40 * 3).fill(200);
    const [got] = await predictor.predict([tile], 24, 40);
    const want = tf.tidy(() => {
      const x = tf.tensor4d(normalizeRgb(tile, model.preprocessing), [1, 24, 40, 3]);
      return tf.sigmoid(model.predict(x)).dataSync() as Float32Array;
    });
    assertSpread(got, want, 1e-3);
    predictor.dispose();
  } finally {
    await Deno.remove(path);
    model.dispose();
  }
});

Deno.test("what is no ONNX model is refused with its path", async () => {
  const path = await Deno.makeTempFile({ suffix: ".onnx" });
  await Deno.writeTextFile(path, "no model");
  await assert.rejects(() => onnxPredictor(path), new RegExp(`cannot open ${path}`));
  await Deno.remove(path);
  await assert.rejects(() => onnxPredictor(path), new RegExp(`cannot open ${path}`));
});

/** Largest error within `tolerance` of the wanted values' range. */
function assertSpread(got: Float32Array, want: Float32Array, tolerance: number): void {
  assert.equal(got.length, want.length);
  let low = Infinity, high = -Infinity, worst = 0;
  for (let i = 0; i < want.length; i++) {
    low = Math.min(low, want[i]);
    high = Math.max(high, want[i]);
    worst = Math.max(worst, Math.abs(got[i] - want[i]));
  }
  assert.ok(high > low && worst <= tolerance * (high - low), `off by ${worst} of ${high - low}`);
}
