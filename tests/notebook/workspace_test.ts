import assert from "node:assert/strict";
import { join } from "node:path";
import { chooseProfile, profileRows, PROFILES } from "../../lib/notebook/profile.ts";
import { PROJECT_ROOT } from "../../lib/base/project.ts";
import { BUILT_IN_DATA, openWorkspace, shortPath } from "../../lib/notebook/workspace.ts";

Deno.test("a data set of one's own gets its results in runs/<name>", async () => {
  const data = await Deno.makeTempDir({ prefix: "my_slides" });
  try {
    const workspace = await openWorkspace({ data });
    assert.equal(workspace.dataRoot, data);
    assert.equal(workspace.builtIn, false);
    assert.equal(workspace.root, join(PROJECT_ROOT, "runs", workspace.name));
    assert.equal(workspace.vizOverlays, join(workspace.root, "viz_overlays"));
  } finally {
    await Deno.remove(data);
  }
});

Deno.test("the built-in data set writes into the project's own folders and need not exist", async () => {
  const workspace = await openWorkspace({ data: BUILT_IN_DATA });
  assert.equal(workspace.builtIn, true);
  assert.equal(workspace.models, join(PROJECT_ROOT, "models"));
  const elsewhere = await openWorkspace({ data: BUILT_IN_DATA, out: "runs/elsewhere" });
  assert.equal(elsewhere.overlays, join(PROJECT_ROOT, "runs/elsewhere/overlays"));
});

Deno.test("a data set that does not exist is named", async () => {
  await assert.rejects(openWorkspace({ data: "/no/such/data" }), /no data set at \/no\/such\/data/);
});

Deno.test("paths are shown from the project's folder on", () => {
  assert.equal(shortPath(join(PROJECT_ROOT, "models", "a")), "models/a");
  assert.equal(shortPath("/elsewhere"), "/elsewhere");
});

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
    /folds must be some of 0\.\.4, got \[7\]/,
  );
  assert.throws(() => chooseProfile("demo", { patch: 0 }), /patch must be > 0, got 0/);
  assert.throws(
    () => chooseProfile("demo", { schedule: "linear" as "cosine" }),
    /schedule must be one of constant, one-cycle, cosine, flat-cosine, got "linear"/,
  );
});

Deno.test("the table of settings marks what differs from paper", () => {
  const rows = profileRows(chooseProfile("paper", { epochs: 3 }));
  assert.deepEqual(rows.filter((r) => r["paper's"] !== "same").map((r) => r.setting), ["epochs"]);
});
