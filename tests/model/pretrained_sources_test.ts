/** The table of encoder weights, and models that start from them. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { listEncoders } from "../../lib/model/registry.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { createPretrainedModel } from "../../lib/model/pretrained/create_pretrained.ts";
import { weightsFolder } from "../../lib/model/pretrained/cache.ts";
import { ENCODER_WEIGHTS, weightsSource } from "../../lib/model/pretrained/sources.ts";
import type { EncoderWeights } from "../../lib/model/pretrained/sources.ts";
import { assertSample, encoderReference } from "../support/encoder_reference.ts";
import { closedFormImage, startBackend, toNchw } from "../support/reference_models.ts";

Deno.test("every encoder has ImageNet weights; each file's name ends in the first digits of its checksum", () => {
  assert.deepEqual(Object.keys(ENCODER_WEIGHTS), listEncoders());
  const files = new Set<string>();
  for (const [encoder, offered] of Object.entries(ENCODER_WEIGHTS)) {
    assert.ok(offered.imagenet, encoder);
    for (const source of Object.values(offered)) {
      assert.match(source.sha256, /^([0-9a-f]{8}|[0-9a-f]{64})$/);
      assert.ok(source.file.endsWith(`-${source.sha256.slice(0, 8)}.pth`), source.file);
      if ("url" in source.from) assert.ok(source.from.url.endsWith(`/${source.file}`));
      files.add(source.file);
    }
  }
  assert.equal(files.size, 8 * 2 + 5 + 5 + 2 * 2);
});

Deno.test("weights that an encoder does not have are refused with those that it has", () => {
  assert.throws(
    () => weightsSource("resnet34", "ssl"),
    /RangeError: encoderWeights of resnet34 must be "imagenet", or null \(random.*got "ssl"/,
  );
  assert.throws(
    () => weightsSource("resnet18", "noisy-student" as EncoderWeights),
    /"swsl", or null/,
  );
});

Deno.test("null makes the model that createModel makes; createModel refuses weights it cannot fetch", async () => {
  await startBackend();
  const config = { architecture: "Linknet", encoder: "resnet18", seed: 4 };
  const [a, b] = [
    createModel(config),
    await createPretrainedModel({ ...config, encoderWeights: null }),
  ];
  const first = (model: typeof a) =>
    model.parameters.get("encoder.conv1.weight")!.variable.dataSync();
  assert.deepEqual(first(a), first(b));
  a.dispose();
  b.dispose();
  const spread = { ...config, encoderWeights: "imagenet" } as unknown as typeof config;
  assert.throws(() => createModel(spread), /RangeError.*await createPretrainedModel/);
});

/** lite0 always, from the user's own cache folder; lite1 and lite2 where `CRYPTS_ALL_MODELS` is set. */
for (const expected of encoderReference().imagenet) {
  const { encoder } = expected;
  Deno.test({
    name:
      `the real ImageNet weights of ${encoder}, from the Python package index, give timm's features`,
    ignore: !/lite0$/.test(encoder) && !Deno.env.get("CRYPTS_ALL_MODELS"),
    async fn() {
      await startBackend();
      const model = await createPretrainedModel({
        architecture: "Unet",
        encoder,
        encoderWeights: "imagenet",
      });
      assert.equal(weightsSource(encoder, "imagenet").file, expected.file);
      const at = await Array.fromAsync(Deno.readDir(weightsFolder()));
      assert.ok(at.some((entry) => entry.name === expected.file), "kept in the cache folder");
      assert.deepEqual([...model.preprocessing.mean], [0.5, 0.5, 0.5]);
      const x = closedFormImage("input64x64", 1, 64, 64);
      const stages = model.features(x);
      assert.equal(stages.length, expected.stages.length);
      for (const [i, stage] of stages.entries()) {
        assertSample(await toNchw(stage), expected.stages[i], 1e-4, `stage ${i}`);
      }
      tf.dispose([x, ...stages]);
      model.dispose();
    },
  });
}
