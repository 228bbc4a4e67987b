import assert from "node:assert/strict";
import { chooseProfile, type Profile, profileRows, PROFILES } from "../../lib/notebook/profile.ts";

Deno.test("every profile is valid and paper has the original's values", () => {
  for (const name of Object.keys(PROFILES)) assert.equal(chooseProfile(name).name, name);
  const { patch, stride, batchSize, epochs, patience, foldCount, model } = chooseProfile("paper");
  assert.deepEqual([patch, stride, batchSize, epochs, patience, foldCount], [
    512,
    256,
    16,
    25,
    5,
    5,
  ]);
  assert.equal(model.encoder, "efficientnet-b2");
});

Deno.test("settings are overridden one by one and checked", () => {
  assert.equal(chooseProfile("demo", { epochs: 9 }).epochs, 9);
  assert.throws(() => chooseProfile("nope"), /no profile "nope"; there are paper, demo/);
  assert.throws(() => chooseProfile("demo", { scale: 2 }), /scale must be in \(0, 1\], got 2/);
  assert.throws(
    () => chooseProfile("demo", { folds: [7] }),
    /folds must be some of 0\.\.4, each once, got \[7\]/,
  );
  assert.throws(
    () => chooseProfile("demo", { jointMaps: 1 as never }),
    /jointMaps must be true or false, got 1/,
  );
  assert.throws(
    () => chooseProfile("demo", { patch: 0 }),
    /patch must be a positive integer, got 0/,
  );
  assert.throws(
    () => chooseProfile("demo", { schedule: "linear" as "cosine" }),
    /schedule must be one of constant, one-cycle, cosine, flat-cosine, got "linear"/,
  );
});

Deno.test("the table of settings marks what differs from paper", () => {
  const rows = profileRows(chooseProfile("paper", { epochs: 3 }));
  assert.deepEqual(rows.filter((r) => r["paper's"] !== "same").map((r) => r.setting), ["epochs"]);
});

Deno.test("every setting has a value that is refused by its name, and its limits are taken", () => {
  const refused: [key: keyof Profile, values: unknown[]][] = [
    ["seed", [NaN, 0.5, "one"]],
    ["scale", [0, -1, 1.001, NaN, Infinity, "half"]],
    ["patch", [0, -32, 33, 32.5, NaN, "", null]],
    ["stride", [0, 0.5, NaN]],
    ["patchMode", ["same", "", null, 1]],
    ["tissueChannels", ["blue"]],
    ["model", [null, "Unet", { architecture: "Unett", encoder: "resnet18" }]],
    ["modelName", ["", "a/b", "../x", 7]],
    ["augmentation", ["all"]],
    ["optimizer", ["sgd"]],
    ["learningRate", [0, -1, NaN, Infinity, "fast"]],
    ["weightDecay", [-1e-9, NaN]],
    ["schedule", ["linear"]],
    ["statisticsMomentum", [-0.1, 1.1, NaN]],
    ["batchSize", [0, 1.5, NaN]],
    ["epochs", [0, 1.5, NaN, "many"]],
    ["patience", [0, NaN]],
    ["foldCount", [1, 2.5, NaN]],
    ["folds", [[], [5], [0.5], [0, 0], "0", null]],
    ["inferenceMode", ["fast"]],
    ["overlap", [-0.1, 1, NaN]],
    ["threshold", [9, -0.1, 1, NaN]],
    ["vizTile", [0, 33, NaN]],
    ["pool", ["max"]],
    ["perplexity", [0, NaN]],
    ["neighbours", [1, 2.5, NaN]],
  ];
  const keys = new Set(refused.map(([key]) => key));
  for (const [key, values] of refused) {
    for (const value of values) {
      assert.throws(
        () => chooseProfile("demo", { [key]: value }),
        (error) =>
          error instanceof RangeError && error.message.startsWith(`profile "demo": ${key} must be`),
        `${key} ${JSON.stringify(value)}`,
      );
    }
  }
  for (const key of ["patchMode", "scale", "folds"] as const) assert.ok(keys.has(key));
  const limits: Partial<Profile>[] = [
    { scale: 1 },
    { overlap: 0 },
    { threshold: 0 },
    { foldCount: 2 },
    { weightDecay: 0 },
    { statisticsMomentum: 1 },
    { batchSize: 1, epochs: 1, patience: 1 },
    { folds: [4, 0] },
  ];
  for (const one of limits) {
    assert.deepEqual(chooseProfile("demo", one), { ...PROFILES.demo, ...one });
  }
  assert.throws(
    () => chooseProfile("demo", { epoch: 3 } as Partial<Profile>),
    /a profile has no setting "epoch"; it has name, seed/,
  );
});

Deno.test("another network does not start from the weights of the profile's own", () => {
  assert.equal(chooseProfile("glas", { epochs: 1 }).initialWeights, "bundled");
  assert.equal(chooseProfile("glas", { encoderWeights: null }).initialWeights, null);
  assert.equal(chooseProfile("glas", { target: "crypt" }).initialWeights, null);
  const { model } = PROFILES.glas;
  assert.equal(chooseProfile("glas", { model: { ...model } }).initialWeights, "bundled");
  const other = { ...model, encoder: "resnet18" };
  assert.equal(chooseProfile("glas", { model: other }).initialWeights, null);
  const named = chooseProfile("glas", { model: other, initialWeights: "own.safetensors" });
  assert.equal(named.initialWeights, "own.safetensors");
});
