import assert from "node:assert/strict";
import { chooseProfile, profileRows } from "../../lib/notebook/profile.ts";
import { PROFILES } from "../../lib/notebook/profiles.ts";

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

Deno.test("another network does not start from the weights of the profile's own", () => {
  assert.equal(chooseProfile("glas", { epochs: 1 }).initialWeights, "bundled-lite2");
  assert.equal(chooseProfile("glas", { encoderWeights: null }).initialWeights, null);
  assert.equal(chooseProfile("glas", { target: "crypt" }).initialWeights, null);
  const { model } = PROFILES.glas;
  assert.equal(chooseProfile("glas", { model: { ...model } }).initialWeights, "bundled-lite2");
  const other = { ...model, encoder: "resnet18" };
  assert.equal(chooseProfile("glas", { model: other }).initialWeights, null);
  const named = chooseProfile("glas", { model: other, initialWeights: "own.safetensors" });
  assert.equal(named.initialWeights, "own.safetensors");
});

Deno.test("another number of folds means all of them, unless the folds are named too", () => {
  assert.deepEqual(chooseProfile("paper", { foldCount: 2 }).folds, [0, 1]);
  assert.deepEqual(chooseProfile("demo", { foldCount: 3 }).folds, [0, 1, 2]);
  assert.deepEqual(chooseProfile("paper", { foldCount: 2, folds: [1] }).folds, [1]);
  assert.deepEqual(chooseProfile("demo", { foldCount: 5 }).folds, PROFILES.demo.folds);
  assert.throws(
    () => chooseProfile("paper", { foldCount: 1e12 }),
    /foldCount must be an integer from 2 to 1000, got 1000000000000/,
  );
});
