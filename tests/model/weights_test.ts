/** Weight files: safetensors out and in, whole models, strictness. */
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs-core";
import { readChecked } from "../../lib/model/checkpoint/fit.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { loadModel, loadWeights, saveWeights } from "../../lib/model/weights.ts";
import { readSafetensors, writeSafetensors } from "../../lib/model/safetensors.ts";
import { type FixtureValue, floats, torchFile } from "../support/torch_fixture.ts";
import reference from "../reference/smp_models.json" with { type: "json" };
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

Deno.test("a Lightning checkpoint loads; loss weights, metrics and a classification head are named", async () => {
  await inFolder(async (folder) => {
    const source = createModel({ ...CONFIG, seed: 6 });
    const state = await stateOf(source);
    const extra = { shape: [2], values: Float32Array.of(1, NaN) };
    const entries = new Map([...state].map(([name, t]) => [`model.${name}`, t]));
    for (const name of ["criterion.weight", "iou.confmat", "model.classification_head.3.bias"]) {
      entries.set(name, extra);
    }
    await writeTorch(`${folder}/last.ckpt`, entries, (pairs) => ({
      dictionary: [
        ["pytorch-lightning_version", "2.5.0"],
        ["epoch", 3],
        ["state_dict", { dictionary: pairs }],
        ["optimizer_states", []],
        ["hyper_parameters", { dictionary: [["lr", 1e-3]] }],
      ],
    }));
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    const { model } = await loadModel(`${folder}/last.ckpt`, { onNotice });
    assert.deepEqual(await stateOf(model), state);
    assert.match(notices[0], /last\.ckpt: the classification head is left out: model\.classif/);
    assert.match(notices[1], /2 entries .* ignored: criterion\.weight, iou\.confmat$/);
    assert.equal(notices.length, 2);

    entries.delete("model.encoder._bn0.bias");
    await writeTorch(`${folder}/last.ckpt`, entries);
    await assert.rejects(
      () => loadWeights(model, `${folder}/last.ckpt`, { onNotice }),
      /1 missing: model\.encoder\._bn0\.bias$/,
    );
    model.dispose();
    source.dispose();
  });
});

Deno.test("weights that are no numbers are refused where they enter, naming the first", async () => {
  await inFolder(async (folder) => {
    const model = createModel({ ...CONFIG, seed: 1 });
    const state = await stateOf(model);
    for (
      const [name, value, reason] of [
        ["encoder._bn0.weight", NaN, /"encoder\._bn0\.weight" .* holds NaN at index 3 \(1 of 32/],
        [
          "segmentation_head.0.bias",
          -Infinity,
          /"segmentation_head.0.bias" .* -Infinity at index 1/,
        ],
        ["encoder._bn0.running_var", -0.5, /_bn0\.running_var" .* holds -0\.5 .* no variances/],
      ] as [string, number, RegExp][]
    ) {
      const good = state.get(name)!;
      const values = good.values.slice();
      values[Math.min(3, values.length - 1)] = value;
      const bad = new Map(state).set(name, { ...good, values });
      await writeTorch(`${folder}/a.pth`, bad);
      const tensors = [...bad].map(([key, tensor]) => ({ name: key, ...tensor }));
      await writeSafetensors(`${folder}/a.safetensors`, tensors);
      for (const path of [`${folder}/a.pth`, `${folder}/a.safetensors`]) {
        const before = tf.memory().numTensors;
        await assert.rejects(() => loadModel(path), reason);
        await assert.rejects(() => loadWeights(model, path), reason);
        assert.equal(tf.memory().numTensors, before, "no tensor is leaked");
      }
    }
    assert.deepEqual(await stateOf(model), state, "the model is unchanged");
    model.dispose();
  });
});

Deno.test("entries that together claim more than the file holds are refused", () => {
  const shape = [4], values = new Float32Array(4);
  const tensor = { shape, bytes: 16, place: "0", read: () => values };
  const names = ["a", "b", "c"].map((name) => ({ name, torchShape: shape }));
  const entries = new Map(names.map(({ name }) => [name, { inFile: `m.${name}`, tensor }]));
  const source = { path: "x.pth", nameOf: (name: string) => name, target: "a model" };
  assert.equal(readChecked(names, entries, source, 48).size, 3);
  assert.throws(
    () => readChecked(names, entries, source, 47),
    /x\.pth: its tensors claim 48 bytes of values, the file holds 47: they overlap/,
  );
});

Deno.test("a model of an architecture that is not built is named, not taken for a broken Unet", async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/best.pth`;
    const model = createModel({ ...CONFIG, initialize: false });
    for (const [architecture, names] of Object.entries(reference.names)) {
      const all = ["encoder.conv1.weight", ...names].map((name) => `model.${name}`);
      await Deno.writeFile(
        path,
        torchFile({ dictionary: all.map((name) => [name, floats([1], [0])]) }),
      );
      const built = ["Unet", "UnetPlusPlus", "Linknet", "MAnet"].includes(architecture);
      const reason = built ? /encoder is none of|does not fit/ : new RegExp(
        `best\\.pth.* its architecture is ${
          architecture.replace("Plus", "\\+")
        }, which is not built`,
      );
      await assert.rejects(() => loadModel(path), reason);
      await assert.rejects(() => loadWeights(model, path), reason);
    }
    // torchvision's, whose names are others.
    const names = ["backbone.conv1.weight", "classifier.0.convs.0.0.weight"];
    const entries = names.map((name): [string, FixtureValue] => [name, floats([1], [0])]);
    await Deno.writeFile(path, torchFile({ dictionary: entries }));
    await assert.rejects(() => loadModel(path), /its architecture is DeepLabV3 of torchvision/);
    model.dispose();
  });
});
