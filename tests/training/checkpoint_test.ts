import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { exists } from "../../lib/base/files.ts";
import { type Progress, settleBest } from "../../lib/training/checkpoint.ts";
import { withFolder } from "../support/temporary.ts";

const sha = (text: string) => createHash("sha256").update(text).digest("hex");

Deno.test("a run killed anywhere between best weights and checkpoint is put right", () =>
  withFolder(async (folder) => {
    const paths = { best: `${folder}/best`, pending: `${folder}/pending` };
    const progress = (best: string | null) => ({ best: best && sha(best) }) as Progress;
    const set = async (best: string | null, pending: string | null) => {
      for (const [path, text] of [[paths.best, best], [paths.pending, pending]] as const) {
        if (text === null) await Deno.remove(path).catch(() => {});
        else await Deno.writeTextFile(path, text);
      }
    };
    const after = async () => [await Deno.readTextFile(paths.best), await exists(paths.pending)];

    await set("one", null);
    assert.equal(await settleBest(paths, progress("one")), null);
    await set("one", "two"); // killed before the checkpoint: the epoch is done again
    assert.equal(await settleBest(paths, progress("one")), null);
    assert.deepEqual(await after(), ["one", false]);
    await set("one", "two"); // killed after the checkpoint: the weights get their name
    assert.equal(await settleBest(paths, progress("two")), null);
    assert.deepEqual(await after(), ["two", false]);
    await set(null, "two");
    assert.equal(await settleBest(paths, progress("two")), null);
    assert.deepEqual(await after(), ["two", false]);
    await set("another's", null);
    assert.match((await settleBest(paths, progress("one")))!, /best is not what was trained/);
    await set(null, "half");
    assert.match((await settleBest(paths, progress("one")))!, /best is missing/);
    assert.ok(!await exists(paths.pending));
  }));
