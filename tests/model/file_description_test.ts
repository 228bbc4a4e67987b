/** What leaves no trace in a state_dict: padding, preprocessing, smp's config.json. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { CENTERED, IMAGENET } from "../../lib/image/normalize.ts";
import { encodeOnnx } from "../../lib/model/onnx/export.ts";
import { onnxMetadata } from "../../lib/model/onnx/metadata.ts";
import { OnnxRunner } from "../../lib/model/onnx/runner.ts";
import { writeSafetensors } from "../../lib/model/safetensors.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import type { ModelConfig, SegmentationModel } from "../../lib/model/types.ts";
import { loadModel, loadWeights, saveWeights } from "../../lib/model/weights.ts";
import { inFolder, stateOf } from "../support/weight_files.ts";

const LITE = { architecture: "Linknet", encoder: "timm-tf_efficientnet_lite0" };
const B1 = { architecture: "Linknet", encoder: "efficientnet-b1" };

/** A state_dict as smp's save_pretrained writes it: no metadata; beside it the `config`, if any. */
async function writeSmp(folder: string, model: SegmentationModel, config?: unknown) {
  const tensors = [...await stateOf(model)].map(([name, tensor]) => ({ name, ...tensor }));
  await writeSafetensors(join(folder, "model.safetensors"), tensors, { format: "pt" });
  if (config) await Deno.writeTextFile(join(folder, "config.json"), JSON.stringify(config));
  return join(folder, "model.safetensors");
}

/** What smp 0.6 writes for a Linknet (`Linknet(...).save_pretrained(...)`). */
function smpConfig(encoder: string, changes: Record<string, unknown> = {}) {
  return {
    "_model_class": "Linknet",
    "activation": null,
    "aux_params": null,
    "classes": 2,
    "decoder_use_norm": "batchnorm",
    "encoder_depth": 5,
    "encoder_name": encoder,
    "encoder_weights": null,
    "in_channels": 3,
    ...changes,
  };
}

Deno.test("padding and preprocessing come back with the weights; files from before have ImageNet's", async () => {
  await inFolder(async (folder) => {
    for (
      const [config, preprocessing] of [
        [{ ...LITE }, CENTERED],
        [{ ...LITE, padding: "smp-0.3" }, CENTERED],
        [{ ...B1, padding: "smp-0.3" }, IMAGENET],
      ] as [ModelConfig, typeof IMAGENET][]
    ) {
      const model = createModel({ ...config, initialize: false });
      assert.deepEqual(model.preprocessing, preprocessing);
      const path = join(folder, "a.safetensors");
      await saveWeights(model, path);
      const { model: loaded, metadata } = await loadModel(path, { onNotice: assert.fail });
      assert.deepEqual(loaded.config, model.config);
      assert.deepEqual(loaded.preprocessing, preprocessing);
      assert.deepEqual(Object.keys(metadata).filter((key) => key.startsWith("crypts.")), []);
      const old = [...await stateOf(model)].map(([name, tensor]) => ({ name, ...tensor }));
      const { padding: _, ...before } = model.config;
      await writeSafetensors(path, old, { "crypts.config": JSON.stringify({ ...before, ...B1 }) });
      if (config.encoder === B1.encoder) {
        const { model: older } = await loadModel(path);
        assert.deepEqual([older.config.padding, older.preprocessing], ["smp-0.2", IMAGENET]);
        older.dispose();
      }
      model.dispose();
      loaded.dispose();
    }
  });
});

Deno.test("weights of another padding or preprocessing are not read into a model without a word", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a.safetensors");
    const newer = createModel({ ...B1, padding: "smp-0.3", initialize: false });
    const centered = createModel({ ...B1, preprocessing: CENTERED, initialize: false });
    const model = createModel({ ...B1, initialize: false });
    await saveWeights(newer, path);
    await assert.rejects(
      loadWeights(model, path),
      /RangeError.*a\.safetensors were trained with padding smp-0\.3 instead of smp-0\.2: create/,
    );
    await assert.rejects(
      loadModel(path, { padding: "smp-0.2" }),
      /says that its padding is smp-0\.3/,
    );
    await saveWeights(centered, path);
    await assert.rejects(
      loadWeights(model, path),
      /trained with preprocessing .*0\.5.* instead of/,
    );
    await saveWeights(model, path);
    await loadWeights(model, path);
    for (const m of [newer, centered, model]) m.dispose();
  });
});

Deno.test("weights of an unknown version of smp: a warning says what is at stake, a setting decides", async () => {
  await inFolder(async (folder) => {
    const model = createModel({ ...B1, initialize: false });
    const path = await writeSmp(folder, model);
    const notices: string[] = [];
    const onNotice = (notice: string) => void notices.push(notice);
    for (
      const [options, padding, warnings] of [
        [{ onNotice }, "smp-0.2", 1],
        [{ onNotice, padding: "smp-0.3" }, "smp-0.3", 0],
        [{ onNotice, padding: "smp-0.2" }, "smp-0.2", 0],
      ] as const
    ) {
      notices.length = 0;
      const { model: loaded } = await loadModel(path, options);
      assert.equal(loaded.config.padding, padding);
      assert.equal(notices.length, warnings, notices.join());
      loaded.dispose();
    }
    notices.length = 0;
    await loadWeights(model, path, { onNotice });
    assert.match(notices.join(), /model\.safetensors: nothing says which version.*43%.*smp-0\.3/);
    model.dispose();
    // b0 and ResNets are the same in all versions.
    const same = createModel({ ...B1, encoder: "efficientnet-b0", initialize: false });
    const { model: loaded } = await loadModel(await writeSmp(folder, same), {
      onNotice: assert.fail,
    });
    for (const m of [same, loaded]) m.dispose();
  });
});

Deno.test("smp's config.json beside model.safetensors says padding, preprocessing, activation", async () => {
  await inFolder(async (folder) => {
    const source = createModel({ ...B1, initialize: false });
    const config = smpConfig("efficientnet-b1", {
      encoder_weights: "advprop",
      activation: "sigmoid",
    });
    const path = await writeSmp(folder, source, config);
    const { model } = await loadModel(path, { onNotice: assert.fail });
    assert.equal(model.config.padding, "smp-0.3");
    assert.equal(model.config.activation, "sigmoid");
    assert.deepEqual(model.preprocessing, CENTERED);
    await assert.rejects(loadWeights(source, path), /padding smp-0\.3 instead of smp-0\.2/);
    await assert.rejects(loadModel(path, { padding: "smp-0.2" }), /says that its padding/);
    model.dispose();
    source.dispose();
    const lite = createModel({ ...LITE, initialize: false });
    const { model: own } = await loadModel(await writeSmp(folder, lite, smpConfig(LITE.encoder)));
    assert.deepEqual([own.config.padding, own.preprocessing], ["smp-0.3", CENTERED]);
    own.dispose();
    lite.dispose();
  });
});

Deno.test("settings of config.json that are not built are refused by name", async () => {
  await inFolder(async (folder) => {
    const model = createModel({ architecture: "Linknet", encoder: "resnet18", initialize: false });
    for (
      const [changes, reason] of [
        [
          { decoder_interpolation: "bilinear" },
          /decoder_interpolation "bilinear" \(built: "nearest"\)/,
        ],
        [{ decoder_use_norm: "layernorm" }, /the decoder's norm "layernorm"/],
        [{ decoder_use_norm: { type: "instancenorm", affine: true } }, /instancenorm/],
        [
          { decoder_use_batchnorm: "inplace", decoder_use_norm: null },
          /the decoder's norm "inplace"/,
        ],
        [{ _model_class: "FPN" }, /unknown architecture "FPN"/],
        [{ encoder_name: "tu-resnet18" }, /unknown encoder "tu-resnet18"/],
        [{ decoder_pab_channels: 32 }, /decoder_pab_channels 32 \(built: 64\)/],
        [
          { decoder_segmentation_channels: 128, new: 1 },
          /decoder_segmentation_channels 128, new 1/,
        ],
        [{ activation: "tanh" }, /activation must be one of/],
      ] as const
    ) {
      const path = await writeSmp(folder, model, smpConfig("resnet18", changes));
      await assert.rejects(loadModel(path), (error: Error) => {
        assert.match(error.message, reason);
        assert.match(error.message, /config\.json: /);
        return true;
      });
    }
    await writeSmp(folder, model);
    await Deno.writeTextFile(join(folder, "config.json"), "{");
    await assert.rejects(loadModel(join(folder, "model.safetensors")), /config\.json is no JSON/);
    // Of another kind: not smp's, so it says nothing.
    await Deno.writeTextFile(join(folder, "config.json"), '{"model_type": "vit"}');
    const { model: loaded } = await loadModel(join(folder, "model.safetensors"));
    for (const m of [model, loaded]) m.dispose();
  });
});

Deno.test("an ONNX file says its preprocessing, and its runner normalizes by it", async () => {
  await inFolder(async () => {
    const model = createModel({ ...LITE, decoderChannels: [8, 8, 8, 8, 8], seed: 2 });
    const bytes = await encodeOnnx(model);
    const { mean, deviation } = onnxMetadata(bytes);
    assert.deepEqual([mean, deviation], ["0.5 0.5 0.5", "0.5 0.5 0.5"]);
    const runner = await OnnxRunner.open(bytes);
    assert.deepEqual(runner.preprocessing, CENTERED);
    const rgb = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 37) % 256);
    const byRunner = await runner.runRgb([rgb], 32, 32);
    const planes = new Float32Array(rgb.length);
    rgb.forEach((v, i) => planes[(i % 3) * 1024 + Math.floor(i / 3)] = (v / 255 - 0.5) / 0.5);
    const byHand = await runner.run(planes, [1, 3, 32, 32]);
    byHand.values.forEach((v, i) => assert.ok(Math.abs(v - byRunner.values[i]) < 1e-4));
    await runner.release();
    model.dispose();
  });
});
