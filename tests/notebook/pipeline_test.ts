import assert from "node:assert/strict";
import { BUNDLED_MODEL, BUNDLED_MODELS, initialWeightsPath } from "../../lib/model/bundled.ts";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import {
  ensurePatches,
  modelFiles,
  modelNameOf,
  openFolds,
  trainOptions,
} from "../../lib/notebook/pipeline.ts";
import { chooseProfile } from "../../lib/notebook/profile.ts";
import { PROFILES } from "../../lib/notebook/profiles.ts";
import { generateDataset } from "../../lib/synthetic/generate.ts";
import { BUILT_IN_DATA, openWorkspace, type Workspace } from "../../lib/notebook/workspace.ts";
import { loadWeights } from "../../lib/model/mod.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { classesOf } from "../../lib/training/mod.ts";
import { saveBest } from "../../lib/training/checkpoint.ts";
import { selectBackend } from "../../lib/backend/select.ts";

await selectBackend("wasm");

async function inWorkspace(test: (workspace: Workspace) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const data = join(folder, "data");
    await generateDataset(data, { seed: 2, size: [300, 320] });
    await test(await openWorkspace({ data, out: join(folder, "out") }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("patches are cut once, anew when the profile wants others, and not for too many folds", async () => {
  await inWorkspace(async (workspace) => {
    const profile = chooseProfile("tiny");
    const first = await ensurePatches(workspace, profile);
    assert.ok(first.length > 0);
    const csv = join(workspace.work, "train_data.csv");
    const { mtime } = await Deno.stat(csv);
    assert.equal((await ensurePatches(workspace, profile)).length, first.length);
    assert.deepEqual((await Deno.stat(csv)).mtime, mtime, "not cut again");
    const more = await ensurePatches(workspace, chooseProfile("tiny", { stride: 16 }));
    assert.ok(more.length > first.length);
    await assert.rejects(
      ensurePatches(workspace, chooseProfile("tiny", { foldCount: 40 })),
      /40 folds need at least 40 images with patches, got \d+: .*; set foldCount to \d+/,
    );
  });
});

Deno.test("an ensemble is the trained folds, else PyTorch checkpoints, else the bundled model", async () => {
  await inWorkspace(async (workspace) => {
    const profile = chooseProfile("demo");
    assert.deepEqual(await modelFiles(workspace, profile), [BUNDLED_MODEL]);
    assert.ok(await exists(BUNDLED_MODEL), "the bundled model is committed");
    await Deno.mkdir(workspace.models, { recursive: true });
    const touch = (name: string) => Deno.writeTextFile(join(workspace.models, name), "");
    await touch("fold1.pth");
    await touch("fold0.pth");
    const names = async () =>
      (await modelFiles(workspace, profile)).map((path) => path.slice(workspace.models.length + 1));
    assert.deepEqual(await names(), ["fold0.pth", "fold1.pth"]);
    await touch("unet_lite0_data_x0.5_fold3.safetensors");
    await touch("unet_lite0_data_x0.5_fold1.safetensors");
    await touch("unet_b0_other_fold0.safetensors");
    assert.deepEqual(await names(), [
      "unet_lite0_data_x0.5_fold1.safetensors",
      "unet_lite0_data_x0.5_fold3.safetensors",
    ]);
  });
});

Deno.test("the name of the models follows from architecture, encoder, data set and scale", async () => {
  const of = async (name: string, overrides: Parameters<typeof chooseProfile>[1], data: string) => {
    const workspace = await openWorkspace({ data: BUILT_IN_DATA, out: "runs/unused" });
    return modelNameOf({ ...workspace, name: data }, chooseProfile(name, overrides));
  };
  const lite = { architecture: "UnetPlusPlus", encoder: "timm-tf_efficientnet_lite0" };
  assert.equal(await of("paper", {}, "Colonic_crypt_dataset"), "unet_b2_colonic");
  assert.equal(await of("demo", {}, "Synthetic_crypt_dataset"), "unet_lite0_synthetic_x0.5");
  assert.equal(await of("paper", { model: lite }, "glas85"), "unetplusplus_lite0_glas85");
  assert.equal(await of("demo", { modelName: "mine" }, "glas85"), "mine");
  assert.equal(await of("paper", {}, "Müller's slides"), "unet_b2_m_ller_s_slides");
});

Deno.test("folds that were trained with unlike settings are refused as an ensemble, by name", async () => {
  await inWorkspace(async (workspace) => {
    const profile = chooseProfile("demo", { modelName: "x" });
    const config = { architecture: "Unet", encoder: "efficientnet-b0", encoderDepth: 3 };
    const model = createModel({ ...config, decoderChannels: [8, 8, 8], seed: 1 });
    const write = (fold: number, settings: Record<string, unknown>) =>
      saveBest(model, join(workspace.models, `x_fold${fold}.safetensors`), {
        ...{ modelName: "x", fold, epoch: 1, validLoss: 1, validDice: 0, scale: 0.5 },
        ...{ patchSize: [128, 128], validationImages: [], settings },
      });
    await write(0, { fold: 0, trainPatches: "1", learningRate: 0.01, patches: "all" });
    await write(1, { fold: 1, trainPatches: "2", learningRate: 0.01, patches: "all" });
    const { predictors } = await openFolds(workspace, profile);
    assert.equal(predictors.length, 2);
    predictors.forEach((predictor) => predictor.dispose());
    await write(1, { fold: 1, trainPatches: "2", learningRate: 0.02, patches: "others" });
    await assert.rejects(
      openFolds(workspace, profile),
      /x_fold0\.safetensors and .*x_fold1\.safetensors are no ensemble, they differ in learningRate, patches/,
    );
    model.dispose();
  });
});

Deno.test("a profile's settings all reach the training", async () => {
  const workspace = await openWorkspace({ out: "runs/unused" });
  const profile = chooseProfile("paper", { seed: 5, epochs: 3 });
  const options = trainOptions(workspace, profile);
  const keys = ["batchSize", "epochs", "patience", "learningRate", "weightDecay", "scale"] as const;
  for (const key of keys) assert.equal(options[key], profile[key], key);
  assert.equal(options.splitSeed, 5);
  assert.equal(options.augmentation, "original");
  assert.equal(options.outDir, workspace.models);
});

Deno.test("the profiles' own weights fit their networks", async () => {
  for (const { initialWeights, model, target } of Object.values(PROFILES)) {
    if (initialWeights === null) continue;
    const net = createModel({ ...model, classes: classesOf(target), seed: 0 });
    await loadWeights(net, initialWeightsPath(initialWeights));
    net.dispose();
  }
  assert.ok(await exists(BUNDLED_MODELS["bundled-lite2"]), "it is committed");
  assert.throws(
    () => initialWeightsPath("bundled-lite1"),
    /no weights "bundled-lite1" come with the project; there are bundled, bundled-lite2/,
  );
  assert.equal(initialWeightsPath("own/bundled.safetensors"), "own/bundled.safetensors");
});

Deno.test("a profile may start from the bundled model, and its models carry how crypts are decided", async () => {
  await inWorkspace((workspace) => {
    const options = trainOptions(
      workspace,
      chooseProfile("tiny", { initialWeights: "bundled", threshold: 0.4, minProbability: 0.7 }),
    );
    assert.equal(options.initialWeights, BUNDLED_MODEL);
    assert.deepEqual(options.decision, { threshold: 0.4, interior: 0, minProbability: 0.7 });
    assert.equal(trainOptions(workspace, chooseProfile("tiny")).initialWeights, undefined);
    const decided = chooseProfile("tiny", { minAreaUm2: 300 });
    assert.equal(trainOptions(workspace, decided).decision!.minAreaUm2, 300);
    return Promise.resolve();
  });
});
