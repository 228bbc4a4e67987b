import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  changes,
  differingKeys,
  digestFile,
  digestOf,
  FileDigests,
  fingerprint,
} from "../../lib/base/fingerprint.ts";
import { withFolder } from "../support/temporary.ts";

const sha = (text: string) => createHash("sha256").update(text).digest("hex");
const past = (seconds: number) => new Date(Date.now() - 1000 * seconds);

/** A file whose times lie in the past as far as a user can set them. */
async function writeOld(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.utime(path, past(3600), past(3600));
}

/** An index in which `path` is settled: its change time, which no call can set, is made old there. */
async function trusted(folder: string, path: string, digest: string): Promise<string> {
  const { size, mtime, ctime } = await Deno.stat(path);
  const index = `${folder}/digests.json`;
  const known = { size, mtime: mtime!.getTime(), ctime: ctime!.getTime(), digest };
  await Deno.writeTextFile(
    index,
    JSON.stringify({ files: { [path.slice(folder.length + 1)]: known } }),
  );
  return index;
}

Deno.test("a file's digest is SHA-256 of its bytes, also for an empty file", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a`, "abc");
    assert.equal(
      await digestFile(`${folder}/a`),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    await Deno.writeTextFile(`${folder}/b`, "");
    assert.equal(await digestFile(`${folder}/b`), sha(""));
    await assert.rejects(digestFile(`${folder}/none`), /cannot read .*none/);
  }));

Deno.test("the order of keys plays no part in a digest, values and the order of lists do", () => {
  assert.equal(digestOf({ a: 1, b: { c: 2, d: 3 } }), digestOf({ b: { d: 3, c: 2 }, a: 1 }));
  assert.notEqual(digestOf({ a: 1 }), digestOf({ a: 2 }));
  assert.notEqual(digestOf([1, 2]), digestOf([2, 1]));
  assert.equal(digestOf({ a: 1, b: undefined }), digestOf({ a: 1 }));
});

Deno.test("what JSON would lose is refused by name", () => {
  assert.throws(
    () => fingerprint("patches", 1, { scale: NaN }, {}),
    /settings of patches\.scale must be a plain value, got NaN/,
  );
  assert.throws(() => digestOf({ list: [() => 1] }), /value\.list\[0\] must be a plain value/);
});

Deno.test("two fingerprints are told apart by the names of what changed", () => {
  const before = fingerprint("patches", 1, { window: [8, 8], scale: 1 }, { image: "1", mask: "2" });
  assert.deepEqual(changes(before, before), []);
  assert.deepEqual(changes(null, before), ["not made yet"]);
  assert.deepEqual(
    changes(before, fingerprint("patches", 1, { scale: 1, window: [8, 9] }, { image: "1" })),
    ["window", "mask"],
  );
  assert.deepEqual(changes(before, { ...before, version: 2 }), ["made by version 1 of patches"]);
  assert.deepEqual(differingKeys({ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 }, b: 1 }), ["b"]);
});

Deno.test("an unchanged file is taken from the index and not read", () =>
  withFolder(async (folder) => {
    const path = `${folder}/image`;
    await writeOld(path, "pixels");
    const digests = await FileDigests.open(await trusted(folder, path, "from the index"));
    assert.equal(await digests.of(path), "from the index");
  }));

Deno.test("another size, another time of change or a restored time is hashed again", () =>
  withFolder(async (folder) => {
    const path = `${folder}/image`;
    await writeOld(path, "pixels");
    const index = await trusted(folder, path, "stale");
    const { mtime } = await Deno.stat(path);
    await Deno.writeTextFile(path, "PIXELS");
    assert.equal(await (await FileDigests.open(index)).of(path), sha("PIXELS"), "time");
    // As `cp -p` does: only the change time tells, which Deno gives in whole seconds, so that the
    // index is made one of five seconds ago.
    await Deno.utime(path, mtime!, mtime!);
    const { files } = JSON.parse(await Deno.readTextFile(index));
    files.image.ctime -= 5000;
    await Deno.writeTextFile(index, JSON.stringify({ files }));
    assert.equal(await (await FileDigests.open(index)).of(path), sha("PIXELS"), "restored time");
    await Deno.writeTextFile(path, "more pixels");
    assert.equal(await (await FileDigests.open(index)).of(path), sha("more pixels"), "size");
  }));

Deno.test("a file that has just been written is never taken from the index", () =>
  withFolder(async (folder) => {
    const digests = await FileDigests.open(`${folder}/digests.json`);
    for (const text of ["one", "two", "six"]) {
      await Deno.writeTextFile(`${folder}/file`, text);
      assert.equal(await digests.of(`${folder}/file`), sha(text));
    }
    await digests.save();
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${folder}/digests.json`)), { files: {} });
  }));

Deno.test("the index forgets files that are gone, and a damaged index is an empty one", () =>
  withFolder(async (folder) => {
    const path = `${folder}/image`;
    await writeOld(path, "pixels");
    const index = await trusted(folder, path, "known");
    const digests = await FileDigests.open(index);
    await digests.save();
    assert.deepEqual(Object.keys(JSON.parse(await Deno.readTextFile(index)).files), ["image"]);
    await Deno.remove(path);
    await digests.save();
    assert.deepEqual(JSON.parse(await Deno.readTextFile(index)).files, {});
    assert.equal(await digests.ofExisting(path), null);
    await assert.rejects(digests.of(path), /cannot read .*image/);
    await writeOld(path, "pixels");
    await Deno.writeTextFile(index, "{");
    assert.equal(await (await FileDigests.open(index)).ofExisting(path), sha("pixels"));
  }));
