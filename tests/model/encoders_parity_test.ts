/**
 * EfficientNet-Lite and the padding of smp 0.3 and newer against smp 0.6 and timm 1.0
 * (tests/reference/encoders.json, made by encoders.py beside it).
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs-core";
import { createModel, type ModelConfig, type SegmentationModel } from "../../lib/model/mod.ts";
import {
  closedFormImage,
  fillClosedForm,
  startBackend,
  toNchw,
} from "../support/reference_models.ts";
import { inFloat64 } from "../support/float64.ts";
import { assertSample, encoderReference, type ModelCase } from "../support/encoder_reference.ts";

const { models } = encoderReference();

/** The larger ones take a minute together: they run where `CRYPTS_ALL_MODELS` is set. */
const QUICK = /lite[02]$|b[0123]$/;

function isRun({ architecture, encoder }: ModelCase): boolean {
  if (Deno.env.get("CRYPTS_ALL_MODELS")) return true;
  return QUICK.test(encoder) && (architecture === "Unet" || /lite0$/.test(encoder));
}

for (const expected of models.filter(isRun)) {
  const { architecture, encoder, padding } = expected;
  Deno.test(`${architecture} with ${encoder}, padding ${padding}, equals smp and timm: names, counts, logits`, async () => {
    await startBackend();
    const model = createModel({ architecture, encoder, padding, initialize: false });
    assertNames(model, expected);
    fillClosedForm(model);
    for (const want of expected.logits) {
      const [batch, , height, width] = want.shape;
      const x = closedFormImage(`input${height}x${width}`, batch, height, width);
      const before = tf.memory().numTensors;
      const logits = model.predict(x);
      assert.equal(tf.memory().numTensors, before + 1, "no tensor is leaked");
      // Deep networks of closed-form weights amplify rounding: PyTorch's float32 run is as far off.
      const tolerance = Math.max(1e-4, 20 * want.float32_distance!);
      assertSample(await toNchw(logits), want, tolerance, `logits at ${height} x ${width}`);
      tf.dispose([x, logits]);
    }
    model.dispose();
  });
}

/** Pairs that are deep enough for float32 to say little; lite0 also where not all models are run. */
const EXACT = models.filter(({ architecture, encoder, padding }) =>
  architecture === "Unet" &&
  (Deno.env.get("CRYPTS_ALL_MODELS")
    ? /lite[04]$|b[267]$/.test(encoder)
    : /lite0$/.test(encoder) && padding === "tensorflow")
);

for (const { architecture, encoder, padding, logits: [want] } of EXACT) {
  Deno.test(`${architecture} with ${encoder}, padding ${padding}, in float64 equals smp and timm to 1e-7`, async () => {
    await inFloat64(async (run) => {
      const [batch, , height, width] = want.shape;
      const config = { architecture, encoder, padding };
      const values = await run({ logits: true, config, batch, height, width });
      assertSample(values, want, 1e-7, `logits at ${height} x ${width}`);
    });
  });
}

Deno.test("every lite encoder has smp's names, shapes and counts under every architecture", () => {
  for (const expected of models.filter((m) => m.padding === "tensorflow")) {
    const { architecture, encoder } = expected;
    const model = createModel({ architecture, encoder, initialize: false });
    assert.equal(model.config.padding, "tensorflow");
    assertNames(model, expected);
    model.dispose();
  }
});

function assertNames(model: SegmentationModel, expected: ModelCase): void {
  const entries = [...model.parameters.values()].map((p) => `${p.name}:${p.torchShape.join("x")}`);
  assert.deepEqual([entries[0], entries.at(-1)], [expected.first, expected.last]);
  assert.equal(entries.length, expected.entries);
  const digest = createHash("sha256").update(entries.join("\n")).digest("hex");
  assert.equal(digest, expected.sha256, "names and shapes in the order of the state_dict");
  assert.equal(model.parameterCount, expected.parameters);
}

Deno.test("the paddings give other logits where a training side is odd on its way, else the same", async () => {
  await startBackend();
  const logitsOf = async (config: ModelConfig) => {
    const model = createModel({ ...config, initialize: false });
    fillClosedForm(model);
    const x = closedFormImage("input64x64", 1, 64, 64);
    const logits = model.predict(x);
    const values = await logits.data() as Float32Array;
    tf.dispose([x, logits]);
    model.dispose();
    return values;
  };
  const difference = async (encoder: string, a: ModelConfig["padding"], b: typeof a) => {
    const [p, q] = await Promise.all(
      [a, b].map((padding) => logitsOf({ architecture: "Linknet", encoder, padding })),
    );
    const squares = (values: Float32Array) => values.reduce((sum, v) => sum + v * v, 0);
    return Math.sqrt(squares(p.map((v, i) => v - q[i])) / squares(p));
  };
  assert.equal(await difference("efficientnet-b0", "smp-0.2", "smp-0.3"), 0);
  assert.equal(await difference("resnet18", "smp-0.2", "smp-0.3"), 0);
  assert.ok(await difference("efficientnet-b2", "smp-0.2", "smp-0.3") > 0.01);
  assert.ok(await difference("timm-tf_efficientnet_lite0", "tensorflow", "smp-0.3") > 0.01);
});

Deno.test("a padding that an encoder does not have is refused with those that it has", () => {
  const refused = (encoder: string, padding: string) =>
    assert.throws(
      () => createModel({ architecture: "Unet", encoder, padding } as ModelConfig),
      new RegExp(`RangeError: padding of ${encoder} must be one of smp-0.2, smp-0.3.*${padding}`),
    );
  refused("efficientnet-b0", "tensorflow");
  refused("resnet18", "tensorflow");
  refused("timm-tf_efficientnet_lite0", "valid");
});
