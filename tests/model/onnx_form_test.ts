/** Weight files run by ONNX Runtime: kept forms, what makes them anew, both engines alike. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs-core";
import { normalizeRgb } from "../../lib/image/mod.ts";
import { encodeOnnx } from "../../lib/model/onnx/export.ts";
import { EXPORTER_VERSION } from "../../lib/model/onnx/form_cache.ts";
import { openOnnxFeatures, openOnnxPredictor } from "../../lib/model/onnx_form.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { saveWeights } from "../../lib/model/weights.ts";
import { fillClosedForm, startBackend, toNchw } from "../support/reference_models.ts";
import { graphBytes } from "../support/onnx_reader.ts";
import { inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

const CONFIG = { architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3 };
const SMALL = { ...CONFIG, decoderChannels: [8, 8, 8] };
const TILE = Uint8Array.from({ length: 16 * 24 * 3 }, (_, i) => (i * 37) % 256);

/** Names in the folder of kept forms. */
function kept(folder: string): string[] {
  return [...Deno.readDirSync(`${folder}/.onnx`)].map((entry) => entry.name).sort();
}

Deno.test("a weight file is exported once; its kept form gives the same, with config and metadata", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/fold0.safetensors`;
    const model = createModel({ ...SMALL, classes: 3, seed: 4 });
    await saveWeights(model, path, { "crypts.training": '{"scale":0.5}' });
    const want = tf.tidy(() => {
      const x = tf.tensor4d(normalizeRgb(TILE, model.preprocessing), [1, 16, 24, 3]);
      return tf.transpose(tf.softmax(model.forward(x)), [0, 3, 1, 2]).dataSync();
    });
    const before = tf.memory().numTensors;
    for (const origin of ["made", "kept", "kept"]) {
      const opened = await openOnnxPredictor(path, { threads: 1 });
      assert.equal(opened.origin, origin);
      assert.deepEqual(opened.config, model.config);
      assert.equal(opened.metadata["crypts.training"], '{"scale":0.5}');
      assert.ok(opened.difference < 1e-4, `${opened.difference}`);
      const { predictor } = opened;
      assert.deepEqual([predictor.name, predictor.classes], ["fold0.safetensors", 3]);
      const [all] = await predictor.predictClasses([TILE], 16, 24);
      assert.equal(all.length, 3 * 16 * 24);
      const worst = all.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0);
      assert.ok(worst < 1e-4, `off by ${worst}`);
      // Crypt is what is not background; of three classes the last is the boundary.
      const [maps] = await predictor.predict([TILE], 16, 24);
      const pixels = 16 * 24;
      assert.ok(Math.abs(maps[5] - (1 - all[5])) < 1e-6);
      assert.deepEqual(maps.subarray(pixels), all.subarray(2 * pixels));
      predictor.dispose();
    }
    assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
    assert.equal(kept(folder).length, 1);
    model.dispose();
  });
});

Deno.test("other weights, a damaged form and a form of another version are exported anew", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const save = async (seed: number) => {
      const model = createModel({ ...SMALL, seed });
      await saveWeights(model, path);
      model.dispose();
    };
    const open = async (options = {}) => {
      const { predictor, origin } = await openOnnxPredictor(path, options);
      const [maps] = await predictor.predict([TILE], 16, 24);
      predictor.dispose();
      return { origin, value: maps[7] };
    };
    await save(1);
    const first = await open();
    assert.equal(first.origin, "made");
    await save(2);
    const second = await open();
    assert.equal(second.origin, "made");
    assert.notEqual(second.value, first.value);
    const [name, ...others] = kept(folder);
    assert.deepEqual(others, [], "the form of the weights before is removed");

    const form = `${folder}/.onnx/${name}`;
    const bytes = await Deno.readFile(form);
    for (const damaged of [bytes.subarray(0, 1000), bytes.with(bytes.length >> 1, 77)]) {
      await Deno.writeFile(form, damaged);
      assert.deepEqual(await open(), second);
      assert.deepEqual(kept(folder), [name]);
      assert.deepEqual(await Deno.readFile(form), bytes);
    }
    assert.equal((await open()).origin, "kept");

    assert.deepEqual(await open({ cache: false }), { ...second, origin: "memory" });
    await Deno.remove(`${folder}/.onnx`, { recursive: true });
    // A folder that cannot be made: a file of its name lies there.
    await Deno.writeTextFile(`${folder}/.onnx`, "");
    assert.deepEqual(await open(), { ...second, origin: "memory" });
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name).sort(), [
      ".onnx",
      "a.safetensors",
    ]);
  });
});

Deno.test("features of a weight file are the bottleneck, kept beside the form of its predictions", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    const model = createModel({ ...SMALL, seed: 5 });
    await saveWeights(model, path);
    const x = tf.tensor4d(normalizeRgb(TILE, model.preprocessing), [1, 16, 24, 3]);
    const feature = model.feature(x, "bottleneck");
    const want = await toNchw(feature);
    const { predictor } = await openOnnxPredictor(path);
    predictor.dispose();
    for (const origin of ["made", "kept"]) {
      const opened = await openOnnxFeatures(path);
      assert.equal(opened.origin, origin);
      assert.equal(opened.features.channels, model.stageChannels[3]);
      const got = await opened.features.extract([TILE], 16, 24);
      const worst = got.reduce((most, v, i) => Math.max(most, Math.abs(v - want[i])), 0);
      assert.ok(worst < 1e-3, `off by ${worst}`);
      await opened.features.dispose();
    }
    assert.equal(kept(folder).length, 2);
    tf.dispose([x, feature]);
    model.dispose();
  });
});

Deno.test("what loading says is said again where the kept form is opened; options have forms of their own", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.pth`;
    const model = createModel({ ...SMALL, encoder: "efficientnet-b1", seed: 5 });
    const state = await stateOf(model);
    state.set("loss.weight", { shape: [1], values: Float32Array.of(1) });
    await writeTorch(path, state);
    const open = async (options = {}) => {
      const heard: string[] = [];
      const onNotice = (notice: string) => heard.push(notice);
      const { predictor, ...form } = await openOnnxPredictor(path, { ...options, onNotice });
      predictor.dispose();
      assert.deepEqual(form.notices, heard);
      return form;
    };
    const first = await open();
    assert.equal(first.notices.length, 2);
    assert.match(first.notices.join(), /padding "smp-0\.2" is taken.*ignored: loss\.weight/s);
    assert.deepEqual(await open(), { ...first, origin: "kept" });
    const other = await open({ padding: "smp-0.3" });
    assert.deepEqual([other.origin, other.config.padding], ["made", "smp-0.3"]);
    model.dispose();
  });
});

Deno.test("a file that cannot be read is named, and leaves no form", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/a.safetensors`;
    await assert.rejects(() => openOnnxPredictor(path), /cannot read .*a\.safetensors/);
    await Deno.writeTextFile(path, "no weights");
    await assert.rejects(() => openOnnxPredictor(path), /a\.safetensors is no valid safetensors/);
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name), ["a.safetensors"]);
  });
});

Deno.test("the exporter writes the same graphs as when its version was set", async () => {
  await startBackend();
  const hash = createHash("sha256");
  for (
    const config of [
      { ...SMALL, architecture: "MAnet", encoder: "resnet18" },
      { ...CONFIG, decoderChannels: [16, 16, 16], decoderAttention: "scse" as const },
      { ...CONFIG, architecture: "Linknet", encoder: "timm-tf_efficientnet_lite0" },
    ]
  ) {
    const model = createModel(config);
    fillClosedForm(model);
    for (const output of ["probabilities", "features"] as const) {
      hash.update(graphBytes(await encodeOnnx(model, { output })));
    }
    model.dispose();
  }
  const digest = hash.digest("hex").slice(0, 16);
  const raise = "the exporter has changed: raise EXPORTER_VERSION in onnx/form_cache.ts, pin this";
  assert.deepEqual([EXPORTER_VERSION, digest], [3, "7bfeed3b75103d8d"], raise);
});
