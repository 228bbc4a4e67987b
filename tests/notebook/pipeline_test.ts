import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import {
  BUNDLED_MODEL,
  ensurePatches,
  modelFiles,
  trainOptions,
} from "../../lib/notebook/pipeline.ts";
import { chooseProfile } from "../../lib/notebook/profile.ts";
import { generateDataset } from "../../lib/synthetic/generate.ts";
import { openWorkspace, type Workspace } from "../../lib/notebook/workspace.ts";

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
    await touch("unet_b0_demo_fold3.safetensors");
    await touch("unet_b0_demo_fold1.safetensors");
    await touch("unet_b0_other_fold0.safetensors");
    assert.deepEqual(await names(), [
      "unet_b0_demo_fold1.safetensors",
      "unet_b0_demo_fold3.safetensors",
    ]);
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
