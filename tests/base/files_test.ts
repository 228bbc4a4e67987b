import assert from "node:assert/strict";
import { exists, sweepTemporary, writeWhole, writeWith } from "../../lib/base/files.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";

Deno.test("a file is written whole under its name, folders are made, nothing else stays", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a/b/file.bin`;
    await writeWhole(path, Uint8Array.of(1, 2, 3));
    assert.deepEqual(await Deno.readFile(path), Uint8Array.of(1, 2, 3));
    await writeWhole(path, "tëxt");
    assert.equal(await Deno.readTextFile(path), "tëxt");
    assert.deepEqual(await filesBelow(folder), ["a/b/file.bin"]);
  }));

Deno.test("until it is whole there is the old file, and a writer that fails leaves it alone", () =>
  withFolder(async (folder) => {
    const path = `${folder}/table.csv`;
    await writeWhole(path, "old");
    const failing = writeWith(path, async (temporary) => {
      assert.match(temporary, /\/\.part-\d+-table\.csv$/);
      await Deno.writeTextFile(temporary, "ha");
      assert.equal(await Deno.readTextFile(path), "old");
      throw new Error("disk full");
    });
    await assert.rejects(failing, /cannot write .*table\.csv: disk full/);
    assert.equal(await Deno.readTextFile(path), "old");
    assert.deepEqual(await filesBelow(folder), ["table.csv"]);
  }));

Deno.test("leftovers of dead writers are swept, other files and folders are not", () =>
  withFolder(async (folder) => {
    const keep = [".lock", ".part-x", "part-1-a", "a.part-1-b"];
    for (const name of [".part-12-a.tiff", ".part-1-.part-2-b", ...keep]) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
    }
    await Deno.mkdir(`${folder}/.part-1-folder`);
    await sweepTemporary(folder);
    assert.deepEqual(await filesBelow(folder), keep.toSorted());
    assert.ok(await exists(`${folder}/.part-1-folder`));
    await sweepTemporary(`${folder}/none`);
  }));

Deno.test("what is missing, or below a file, does not exist", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    assert.equal(await exists(`${folder}/file`), true);
    assert.equal(await exists(`${folder}/none`), false);
    assert.equal(await exists(`${folder}/file/x`), false);
  }));
