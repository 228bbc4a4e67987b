import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { selectBackend } from "../../lib/backend/select.ts";
import { createModel } from "../../lib/model/mod.ts";
import { networkFigure, receptiveField } from "../../lib/viz/figures/network_figure.ts";

await selectBackend("cpu");

Deno.test("the drawing has the shapes of the network's own maps", () => {
  const config = { architecture: "Unet", encoder: "timm-tf_efficientnet_lite0", classes: 3 };
  const model = createModel({ ...config, decoderChannels: [64, 48, 32, 24, 16], seed: 0 });
  try {
    const svg = networkFigure(model, 64);
    const maps = tf.tidy(() => model.features(tf.zeros([1, 64, 64, 3])).map(({ shape }) => shape));
    for (const [, height, width, channels] of maps) {
      assert.ok(svg.includes(`>${height} × ${width} × ${channels}<`), `${height} x ${channels}`);
    }
    for (const [side, channels] of [[4, 64], [8, 48], [16, 32], [32, 24], [64, 16]]) {
      assert.ok(svg.includes(`>${side} × ${side} × ${channels}<`));
    }
    assert.equal(svg.match(/stroke-dasharray="6 4"\/><path d="M[\d.]+,[\d.]+l-7/g)!.length, 4);
    assert.match(svg, /3 classes per pixel/);
    assert.throws(() => networkFigure(model, 100), /multiple of 32, got 100/);
  } finally {
    model.dispose();
  }
});

Deno.test("the receptive field is where the gradient of one pixel of the deepest map is not 0", () => {
  for (const encoder of ["timm-tf_efficientnet_lite0", "resnet18"]) {
    const config = { architecture: "Unet", encoder, encoderDepth: 3, decoderChannels: [8, 8, 8] };
    const model = createModel({ ...config, seed: 1 }), side = 192;
    const rows = tf.tidy(() => {
      const x = tf.randomNormal([1, side, side, 3], 0, 1, "float32", 3);
      const middle = (image: tf.Tensor) => {
        const map = model.features(image as tf.Tensor4D).at(-1)!;
        return tf.sum(tf.slice(map, [0, 12, 12, 0], [1, 1, 1, map.shape[3]]));
      };
      return tf.any(tf.notEqual(tf.grad(middle)(x), 0), [0, 2, 3]).dataSync();
    });
    const seen = [...rows.keys()].filter((row) => rows[row]);
    assert.equal(receptiveField(model), seen.at(-1)! - seen[0] + 1, encoder);
    model.dispose();
  }
  const whole = createModel({
    architecture: "Unet",
    encoder: "timm-tf_efficientnet_lite0",
    seed: 0,
  });
  // By hand from the table of EfficientNet-B0, whose convolutions these are.
  assert.equal(receptiveField(whole), 851);
  whole.dispose();
});

Deno.test("other architectures are drawn, too", () => {
  for (const architecture of ["UnetPlusPlus", "Linknet", "MAnet"]) {
    const model = createModel({ architecture, encoder: "resnet18", seed: 0 });
    assert.match(networkFigure(model, 128), new RegExp(`${architecture} with resnet18`));
    model.dispose();
  }
});
