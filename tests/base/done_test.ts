import assert from "node:assert/strict";
import { clearDone, readDone, whyNotDone, writeDone } from "../../lib/base/done.ts";
import { FileDigests, fingerprint } from "../../lib/base/fingerprint.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("a result is done for its fingerprint while its files are what was written", () =>
  withFolder(async (folder) => {
    const digests = await FileDigests.open();
    const made = fingerprint("step", 1, { side: 8 }, { image: "1" });
    const state = `${folder}/state/a.json`, file = `${folder}/out/a.tiff`;
    await Deno.mkdir(`${folder}/out`);
    await Deno.writeTextFile(file, "pixels");
    const why = async (wanted = made) =>
      await whyNotDone(state, await readDone(state), wanted, digests);
    assert.equal(await why(), "not made yet");
    await writeDone(state, made, [file], digests, { count: 3 });
    assert.equal(await why(), null);
    const { note, files } = (await readDone<{ count: number }>(state))!;
    assert.equal(note.count, 3);
    assert.deepEqual(Object.keys(files), ["../out/a.tiff"]);
    assert.equal(
      await why(fingerprint("step", 1, { side: 9 }, { image: "2" })),
      "side, image changed",
    );
    assert.equal(
      await why(fingerprint("step", 2, { side: 8 }, { image: "1" })),
      "made by version 1 of step",
    );
    await Deno.writeTextFile(file, "PIXELS");
    assert.equal(await why(), "../out/a.tiff was changed");
    await Deno.remove(file);
    assert.equal(await why(), "../out/a.tiff is missing");
    await assert.rejects(writeDone(state, made, [file], digests, null), /cannot read .*a\.tiff/);
    await clearDone(state);
    await clearDone(state);
    assert.equal(await readDone(state), null);
    await Deno.writeTextFile(state, '{"made":');
    assert.equal(await why(), "not made yet", "a damaged state says nothing");
  }));
