import assert from "node:assert/strict";
import { withFolder } from "../support/temporary.ts";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../lib/base/project.ts";
import {
  BUILT_IN_DATA,
  openWorkspace,
  ownFolder,
  shortPath,
} from "../../lib/notebook/workspace.ts";

Deno.test("a data set of one's own gets its results in runs/<name>", async () => {
  const data = await Deno.makeTempDir({ prefix: "my_slides" });
  try {
    const workspace = await openWorkspace({ data });
    assert.equal(workspace.dataRoot, data);
    assert.equal(workspace.builtIn, false);
    assert.equal(workspace.root, join(PROJECT_ROOT, "runs", workspace.name));
    assert.equal(workspace.vizOverlays, join(workspace.root, "viz_overlays"));
    await Deno.remove(workspace.root, { recursive: true });
  } finally {
    await Deno.remove(data);
  }
});

Deno.test("two data sets of the same folder name have folders of their own, in any order, for good", () =>
  withFolder(async (runs) => {
    const first = await ownFolder("/data/one/slides", runs);
    const second = await ownFolder("/data/two/slides", runs);
    assert.equal(first, join(runs, "slides"));
    assert.match(second, /\/slides-[0-9a-f]{8}$/);
    assert.equal(await ownFolder("/data/two/slides", runs), second);
    assert.equal(await ownFolder("/data/one/slides", runs), first);
    assert.equal(await ownFolder("/data/one/others", runs), join(runs, "others"));
    await Deno.writeTextFile(join(first, "data_set.json"), "{");
    await assert.rejects(ownFolder("/data/one/slides", runs), /data_set\.json does not say which/);
  }));

Deno.test("a folder of results from before there was a record goes to the data set that comes first", () =>
  withFolder(async (runs) => {
    await Deno.mkdir(join(runs, "slides", "models"), { recursive: true });
    assert.equal(await ownFolder("/data/one/slides", runs), join(runs, "slides"));
    assert.notEqual(await ownFolder("/data/two/slides", runs), join(runs, "slides"));
  }));

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
