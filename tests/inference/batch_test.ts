import assert from "node:assert/strict";
import { join } from "node:path";
import { readTextRows } from "../../lib/tables/csv.ts";
import { exists } from "../../lib/base/files.ts";
import { lockFolder } from "../../lib/base/lock.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { type BatchOptions, runBatch } from "../../lib/inference/batch.ts";
import { checkId } from "../../lib/base/ids.ts";
import { listBatch } from "../../lib/inference/batch_list.ts";
import { readStates } from "../../lib/inference/batch_state.ts";
import { collectBatch } from "../../lib/inference/collect.ts";
import { createRandom } from "../../lib/base/random.ts";
import { fakePredictor } from "../support/predictors.ts";
import { onSmallDisk } from "../support/small_disk.ts";
import { withFolder } from "../support/temporary.ts";

/** White with a red square whose place follows from `at`. */
function square(at: number): RgbImage {
  const data = new Uint8Array(64 * 80 * 3).fill(240);
  for (let y = at; y < at + 30; y++) {
    for (let x = at; x < at + 30; x++) data.set([220, 20, 20], (y * 80 + x) * 3);
  }
  return { data, height: 64, width: 80 };
}

const model = () => fakePredictor((r, g) => r > g + 50 ? 0.9 : 0.1);

/** A folder with images a, b and c, and what a run over them needs. */
async function batch(folder: string) {
  const images = join(folder, "images"), outDir = join(folder, "out");
  for (const [i, id] of ["a", "b", "c"].entries()) {
    await writeRgb(join(images, `${id}.png`), square(5 + 10 * i));
  }
  const options: BatchOptions = { outDir, models: "1", tile: 32, mode: "sliding" };
  const list = await listBatch(images);
  const run = (more: Partial<BatchOptions> = {}, own = model()) =>
    runBatch(list, [own], { ...options, ...more });
  return { images, outDir, list, run };
}

/** All files below a folder but the states' times and the index, by path. */
async function contents(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (
    const sub of [...Deno.readDirSync(folder)].filter((e) => e.isDirectory && e.name !== "state")
  ) {
    for (const { name } of Deno.readDirSync(join(folder, sub.name))) {
      const bytes = await Deno.readFile(join(folder, sub.name, name));
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      found[`${sub.name}/${name}`] = [...digest].join();
    }
  }
  return found;
}

Deno.test("settings A done, B stopped half-way, A again: what B has touched is A's anew, nothing is mixed", () =>
  withFolder(async (folder) => {
    const { outDir, run } = await batch(folder);
    await run({ geojson: true });
    const expected = await contents(outDir);
    const stop = new AbortController();
    await assert.rejects(
      run({
        threshold: 0.05,
        signal: stop.signal,
        onTile: (_done, _total, { id }) => id === "b" && stop.abort(new Error("killed")),
      }),
      /killed/,
    );
    assert.equal(await exists(join(outDir, "state/b.json")), false, "b is no longer done");
    assert.ok(await exists(join(outDir, "state/c.json")), "c was not reached");
    const again = await run({ geojson: true });
    assert.deepEqual(again.map((s) => s.skipped), [false, false, true]);
    assert.deepEqual(await contents(outDir), expected, "byte for byte");
  }));

Deno.test("an image's content decides, not its time; a result that was changed or lost is made again", () =>
  withFolder(async (folder) => {
    const { images, outDir, run } = await batch(folder);
    await run();
    const path = join(images, "a.png"), { mtime } = await Deno.stat(path);
    await Deno.utime(path, new Date(), new Date());
    assert.deepEqual((await run()).map((s) => s.skipped), [true, true, true], "only its time");
    await writeRgb(path, square(8));
    await Deno.utime(path, mtime!, mtime!);
    assert.deepEqual((await run()).map((s) => s.skipped), [false, true, true], "another content");
    await writeMask(join(outDir, "masks/b.tiff"), {
      data: new Uint8Array(64 * 80),
      height: 64,
      width: 80,
    });
    assert.deepEqual((await run()).map((s) => s.skipped), [true, false, true], "an emptied mask");
    await Deno.remove(join(outDir, "crypts/c.csv"));
    assert.deepEqual((await run()).map((s) => s.skipped), [true, true, false], "a lost table");
    assert.deepEqual((await run({ models: "2" })).map((s) => s.skipped), [false, false, false]);
    const other = await run({ models: "2", crypts: { maxHole: Infinity } });
    assert.deepEqual(other.map((s) => s.skipped), [false, false, false], "a stated setting counts");
  }));

Deno.test("files that other settings made do not stay beside a new result", () =>
  withFolder(async (folder) => {
    const { outDir, run } = await batch(folder);
    await run({ geojson: true, probability: true, labels: true });
    assert.ok(await exists(join(outDir, "geojson/a.geojson")));
    await run({ threshold: 0.4 });
    for (const name of ["geojson/a.geojson", "probability/a.tiff", "labels/a.tiff"]) {
      assert.equal(await exists(join(outDir, name)), false, name);
    }
    assert.ok(await exists(join(outDir, "masks/a.tiff")));
  }));

Deno.test("wrong settings and masks leave finished results untouched", () =>
  withFolder(async (folder) => {
    const { outDir, list, run } = await batch(folder);
    const [first] = await run();
    assert.equal(first.status, "done");
    const before = await contents(outDir),
      state = await Deno.readTextFile(join(outDir, "state/a.json"));
    for (const wrong of [{ overlap: 1 }, { threshold: 9 }, { tile: 33.5 }, { scale: NaN }]) {
      await assert.rejects(run(wrong), RangeError);
    }
    await assert.rejects(
      run({ tile: 48 }, fakePredictor(() => 0, { sideMultiple: 32 }) as ReturnType<typeof model>),
      /multiple of 32/,
    );
    const small = join(folder, "small.tiff");
    await writeMask(small, { data: new Uint8Array(9), height: 3, width: 3 });
    const options: BatchOptions = { outDir, models: "1", tile: 32, mode: "sliding" };
    const [scored] = await runBatch([{ ...list[0], truth: small }], [model()], options);
    assert.match(scored.message!, /mask .*small\.tiff is 3 x 3 .* its image 64 x 80/);
    assert.deepEqual(await contents(outDir), before);
    assert.equal(await Deno.readTextFile(join(outDir, "state/a.json")), state);
  }));

Deno.test("an image that becomes unreadable is failed and loses its old result, one that is gone keeps it", () =>
  withFolder(async (folder) => {
    const { images, outDir, run, list } = await batch(folder);
    await run();
    await Deno.writeTextFile(join(images, "a.png"), "no image any more");
    await Deno.remove(join(images, "b.png"));
    const states = await run();
    assert.deepEqual(states.map((s) => s.status), ["failed", "failed", "done"]);
    assert.equal(await exists(join(outDir, "masks/a.tiff")), false, "the mask of another image");
    assert.ok(await exists(join(outDir, "masks/b.tiff")), "the disk may come back");
    const read = await readStates(outDir, list);
    assert.deepEqual(read.map((s) => s.status), ["failed", "done", "done"]);
    await collectBatch(outDir, states);
    const summary = readTextRows(join(outDir, "summary.csv"), [
      "img",
      "status",
      "entropy",
      "warning",
    ]);
    assert.deepEqual(summary.map((r) => r.status), ["failed", "failed", "done"]);
    assert.ok(Number(summary[2].entropy) > 0);
  }));

Deno.test("a second run on the folder is refused, arrays of jobs share it, leftovers are swept", () =>
  withFolder(async (folder) => {
    const { outDir, list, run } = await batch(folder);
    await Deno.mkdir(join(outDir, "masks"), { recursive: true });
    const left = join(outDir, "masks", ".part-999999-a.tiff");
    const other = join(outDir, "masks", ".part-999999-b.tiff");
    for (const path of [left, other]) await Deno.writeTextFile(path, "half a mask");
    await using whole = await lockFolder(outDir, "inference");
    await assert.rejects(run(), /out is in use by this process .* \(inference\)/);
    assert.ok(await exists(left));
    await whole.release();
    {
      // Two jobs of an array at once; a whole run must wait.
      await using _job = await lockFolder(outDir, "inference", { shared: true });
      const [one] = await runBatch(list.slice(0, 1), [model()], {
        ...{ outDir, models: "1", tile: 32, mode: "sliding", shared: true },
      });
      assert.equal(one.status, "done");
      assert.ok(!await exists(left), "the image's own leftovers are swept");
      assert.ok(await exists(other), "another job may be writing it");
      await assert.rejects(run(), /is in use by/);
      // The same image twice.
      const image = await lockFolder(join(outDir, "state"), "image b", { file: ".lock-b" });
      const [, second] = await runBatch(list, [model()], {
        ...{ outDir, models: "1", tile: 32, mode: "sliding", shared: true },
      });
      assert.match(second.message!, /in use by .*image b/);
      assert.equal(await exists(join(outDir, "state/b.json")), false, "it is the other's to write");
      await image.release();
    }
    const all = await run();
    assert.deepEqual(all.map((s) => [s.status, s.skipped]), [["done", true], ["done", false], [
      "done",
      true,
    ]]);
    assert.equal(await exists(other), false);
    const hidden = [...Deno.readDirSync(join(outDir, "state"))].map((e) => e.name).sort();
    assert.deepEqual(hidden, ["a.json", "b.json", "c.json"], "no lock stays");
  }));

Deno.test("ids name files in the folder of results and nowhere else", () =>
  withFolder(async (folder) => {
    for (
      const id of [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc/x",
        ".hidden",
        "a\0",
        "a\n",
        " a",
        "a ",
        "c:x",
        "x".repeat(300),
      ]
    ) {
      assert.throws(() => checkId(id, "list.csv"), /list\.csv: the id .* cannot name files/, id);
    }
    for (const id of ["slide 1", "B004_bottomleft", "Präparat 3 (HE) [2]", "a.b", "..a".slice(2)]) {
      checkId(id, "list.csv");
    }
    const table = join(folder, "list.csv");
    await Deno.writeTextFile(table, "image,id\na.png,../../evil\n");
    await assert.rejects(listBatch(table), /the id "\.\.\/\.\.\/evil" cannot name files/);
    await Deno.writeTextFile(table, "image,id\na.png,Slide\nb.png,slide\n");
    await assert.rejects(
      listBatch(table),
      /ids that name the same files: .*a\.png \("Slide"\) and .*b\.png/,
    );
    const composed = "Pr\u00e4p", split = composed.normalize("NFD");
    await Deno.writeTextFile(table, `image,id\na.png,${composed}\nb.png,${split}\n`);
    await assert.rejects(listBatch(table), /name the same files/);
    await Deno.writeTextFile(table, "image\na.png\nsub/a.png\n");
    await assert.rejects(
      listBatch(table),
      /two images have the id "a": .*give each row an id of its own/,
    );
    await writeRgb(join(folder, "im", "a.png"), square(5));
    await assert.rejects(
      listBatch(join(folder, "im"), join(folder, "none")),
      /no folder of masks at .*none/,
    );
    await Deno.mkdir(join(folder, "empty"));
    await assert.rejects(
      listBatch(join(folder, "im"), join(folder, "empty")),
      /empty has a mask for none of the images: expected a\.tiff/,
    );
  }));

Deno.test("a full disk is reported with the path; finished tables stay as they were", () =>
  withFolder(async (folder) => {
    const disk = join(folder, "disk");
    const tried = await onSmallDisk(disk, async () => {
      const { list, run } = await batch(folder);
      const outDir = join(disk, "out");
      await collectBatch(outDir, await run({ outDir }));
      const submission = await Deno.readTextFile(join(outDir, "submission.csv"));
      assert.ok(submission.length > 100);
      const filler = await Deno.open(join(disk, "filler"), { write: true, create: true });
      await assert.rejects(async () => {
        for (;;) await filler.write(new Uint8Array(4096));
      });
      filler.close();
      await assert.rejects(
        run({ outDir, threshold: 0.3 }),
        /cannot (lock|write) .*disk\/out.*(no space|ENOSPC)/i,
      );
      await assert.rejects(
        collectBatch(outDir, (await readStates(outDir, list)).slice(1)),
        /cannot write .*submission\.csv.*(no space|ENOSPC)/i,
      );
      assert.equal(await Deno.readTextFile(join(outDir, "submission.csv")), submission);
      for (const { name } of Deno.readDirSync(join(outDir, "masks"))) {
        assert.doesNotMatch(name, /part/);
      }
      return true;
    });
    if (tried === null) console.log("skipped: this process may not mount a small file system");
  }));

Deno.test("killed at any moment, under changing settings, the end is the same bytes and no leftover", () =>
  withFolder(async (folder) => {
    const { images } = await batch(folder);
    const run = (out: string, threshold: number) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          ...[
            "run",
            "-A",
            "--no-check",
            new URL("../support/batch_process.ts", import.meta.url).pathname,
          ],
          ...[images, join(folder, out), String(threshold)],
        ],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    assert.ok((await run("whole", 0.5).output()).success);
    const expected = await contents(join(folder, "whole")), random = createRandom(7);
    for (let kill = 0; kill < 6; kill++) {
      const child = run("killed", kill % 2 ? 0.5 : 0.95);
      const reader = child.stdout.getReader();
      await reader.read();
      await new Promise((resolve) => setTimeout(resolve, random.int(500)));
      try {
        child.kill("SIGKILL");
      } catch {
        // It was done already.
      }
      await reader.cancel();
      await child.stderr.cancel();
      await child.status;
    }
    const last = await run("killed", 0.5).output();
    assert.ok(last.success, new TextDecoder().decode(last.stderr));
    assert.deepEqual(await contents(join(folder, "killed")), expected);
    assert.deepEqual(
      [...Deno.readDirSync(join(folder, "killed"))].map((e) => e.name).filter((n) =>
        n.startsWith(".")
      ),
      [".digests.json"],
    );
  }));
