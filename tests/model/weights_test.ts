/** Weight files: safetensors out and in, whole models, strictness. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadModel, loadWeights, saveWeights } from "../../lib/model/weights.ts";
import { readSafetensors, writeSafetensors } from "../../lib/model/safetensors.ts";
import { floats, torchFile } from "../support/torch_fixture.ts";
import { CONFIG, inFolder, stateOf, writeTorch } from "../support/weight_files.ts";

Deno.test("a model comes back from its file alone: configuration, every value, metadata", async () => {
  await inFolder(async (folder) => {
    const model = createModel({ ...CONFIG, seed: 5, activation: "softmax" });
    const before = tf.memory().numTensors;
    await saveWeights(model, `${folder}/a.safetensors`, { "best valid_loss": "0.0696" });
    assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
    const { model: loaded, metadata } = await loadModel(`${folder}/a.safetensors`);
    assert.deepEqual(loaded.config, model.config);
    assert.equal(metadata["best valid_loss"], "0.0696");
    assert.deepEqual(await stateOf(loaded), await stateOf(model));
    const { tensors } = await readSafetensors(`${folder}/a.safetensors`);
    assert.deepEqual([...tensors.keys()], [...model.parameters.keys()], "the reference's order");
    assert.deepEqual(tensors.get("encoder._conv_stem.weight")!.shape, [32, 3, 3, 3]);
    model.dispose();
    loaded.dispose();
  });
});

Deno.test("half precision rounds every value to float16 and keeps the counters", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/half.safetensors`;
    const values = Float32Array.of(0.1, -1.5, 65504, 1e-8);
    await writeSafetensors(path, [
      { name: "w", shape: [4], values, half: true },
      { name: "n", shape: [], values: Float32Array.of(7), counter: true, half: true },
    ]);
    const { tensors } = await readSafetensors(path);
    assert.deepEqual([...tensors.get("w")!.values], [...Float16Array.from(values)]);
    assert.deepEqual([...tensors.get("n")!.values], [7]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a folder that cannot be written leaves nothing behind", async () => {
  await inFolder(async (folder) => {
    const model = createModel(CONFIG);
    await Deno.writeTextFile(`${folder}/file`, "");
    await assert.rejects(
      () => saveWeights(model, `${folder}/file/a.safetensors`),
      /cannot write .*file\/a\.safetensors/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name), ["file"]);
    model.dispose();
  });
});

Deno.test("a model comes back from a PyTorch state_dict alone, whatever its options", async () => {
  await inFolder(async (folder) => {
    const [narrow, wide] = [[8, 8, 4], [16, 8, 8, 8, 4]];
    for (
      const options of [
        { architecture: "Unet", encoder: "efficientnet-b1", decoderChannels: wide, classes: 3 },
        { architecture: "UnetPlusPlus", encoderDepth: 3, decoderChannels: narrow, inChannels: 1 },
        { architecture: "MAnet", encoderDepth: 4, decoderChannels: [...narrow, 4] },
        { architecture: "Linknet", decoderBatchNorm: false },
      ]
    ) {
      const model = createModel({ encoder: "efficientnet-b0", ...options });
      await writeTorch(`${folder}/fold.pth`, await stateOf(model));
      const { model: loaded } = await loadModel(`${folder}/fold.pth`);
      assert.deepEqual(loaded.config, model.config);
      assert.equal(loaded.parameterCount, model.parameterCount);
      model.dispose();
      loaded.dispose();
    }
    const strange = new Map([["segmentation_head.0.weight", floats([2, 1, 1, 1], [1, 2])]]);
    await Deno.writeFile(`${folder}/a.pth`, torchFile({ dictionary: [...strange] }));
    await assert.rejects(
      () => loadModel(`${folder}/a.pth`),
      /a\.pth does not say which model it is/,
    );
  });
});

Deno.test("missing, unexpected and misshapen entries are listed together, the model unchanged", async () => {
  await inFolder(async (folder) => {
    const model = createModel({ ...CONFIG, seed: 1 });
    const other = createModel({ ...CONFIG, seed: 2 });
    const state = await stateOf(other);
    state.delete("encoder._bn0.weight");
    state.set("decoder.extra.weight", { shape: [1], values: new Float32Array(1) });
    state.set("segmentation_head.0.bias", { shape: [3], values: new Float32Array(3) });
    await writeTorch(`${folder}/a.pth`, state);
    const before = await stateOf(model);
    await assert.rejects(() => loadWeights(model, `${folder}/a.pth`), (error: Error) => {
      assert.match(error.message, /a\.pth does not fit Unet with efficientnet-b0/);
      assert.match(error.message, /1 missing: encoder\._bn0\.weight/);
      assert.match(error.message, /1 unexpected: decoder\.extra\.weight/);
      assert.match(
        error.message,
        /1 misshapen: segmentation_head\.0\.bias: \[3\] instead of \[2\]/,
      );
      return true;
    });
    assert.deepEqual(await stateOf(model), before);
    model.dispose();
    other.dispose();
  });
});

Deno.test("safetensors files that are damaged are refused with their path and the reason", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/bad.safetensors`;
    const file = (header: unknown, data = 8) => {
      const json = new TextEncoder().encode(
        typeof header === "string" ? header : JSON.stringify(header),
      );
      const bytes = new Uint8Array(8 + json.length + data);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
      bytes.set(json, 8);
      return bytes;
    };
    const entry = (dtype: string, shape: unknown, offsets: unknown) => ({
      a: { dtype, shape, data_offsets: offsets },
    });
    for (
      const [bytes, reason] of [
        [new Uint8Array(3), /it has 3 bytes/],
        [file("{").subarray(0, 8), /header claims 1 bytes/],
        [file("{"), /header is not JSON/],
        [file(entry("F32", [3], [0, 8])), /"a" of shape \[3\] lies at bytes 0 to 8/],
        [file(entry("F32", [2], [4, 12])), /lies at bytes 4 to 12 of 8/],
        [file(entry("F8_E4M3", [8], [0, 8])), /"a" is of type F8_E4M3; known: F64/],
        [file({ a: 3 }), /"a" has no type, shape and offsets/],
        [file(entry("F32", "2", [0, 8])), /"a" has no type, shape and offsets/],
      ] as [Uint8Array, RegExp][]
    ) {
      await Deno.writeFile(path, bytes);
      await assert.rejects(() => readSafetensors(path), (error: Error) => {
        assert.ok(error.message.startsWith(`${path} is no valid safetensors file`), error.message);
        assert.match(error.message, reason);
        return true;
      });
    }
    await writeSafetensors(path, [{ name: "a", shape: [2], values: Float32Array.of(1, 2) }]);
    await assert.rejects(() => loadModel(path), /does not say which model it is/);
    await assert.rejects(() => loadModel(`${folder}/none.safetensors`), /none\.safetensors/);
    await assert.rejects(
      () => loadModel(`${folder}/a.h5`),
      /\.safetensors, \.pth or \.pt file, got/,
    );
  });
});
