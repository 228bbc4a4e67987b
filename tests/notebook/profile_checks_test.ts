import assert from "node:assert/strict";
import { chooseProfile } from "../../lib/notebook/profile.ts";
import type { Profile } from "../../lib/notebook/profile_settings.ts";
import { PROFILES } from "../../lib/notebook/profiles.ts";

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
    /a profile has no setting "epoch": did you mean epochs\?$/,
  );
  assert.throws(
    () => chooseProfile("demo", { colour: 3 } as Partial<Profile>),
    /a profile has no setting "colour"; it has name, seed/,
  );
});
