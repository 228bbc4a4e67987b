import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import { writeMask } from "../../lib/image/write.ts";
import { type BatchOptions, runBatch } from "../../lib/inference/batch.ts";
import { type BatchImage, listBatch } from "../../lib/inference/batch_list.ts";
import { checkOutputs } from "../../lib/inference/batch_outputs.ts";
import { collectBatch } from "../../lib/inference/collect.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { fakePredictor } from "../support/predictors.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import { blockMask, noiseImage } from "../support/tiny_dataset.ts";

const model = () => fakePredictor((r, g) => r > g ? 0.9 : 0.1);
const options = (outDir: string): BatchOptions => ({
  ...{ outDir, models: "1", tile: 32, mode: "sliding" },
});

/** Every file below a folder with its bytes. */
async function bytesBelow(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await filesBelow(folder)) {
    if (!(await Deno.stat(join(folder, name))).isFile) continue;
    found[name] = (await Deno.readFile(join(folder, name))).join();
  }
  return found;
}

/** Expects a refusal that leaves every byte below `root` as it was. */
async function refused(
  root: string,
  images: readonly BatchImage[],
  outDir: string,
  message: RegExp,
  more: { inputs?: string[]; folders?: string[] } = {},
) {
  const before = await bytesBelow(root);
  await assert.rejects(checkOutputs(outDir, images, more), message);
  if (!more.inputs && !more.folders) {
    await assert.rejects(runBatch(images, [model()], options(outDir)), message);
  }
  assert.deepEqual(await bytesBelow(root), before);
}

Deno.test("results are never written over images, masks or tables of the run, by whatever path", () =>
  withFolder(async (root) => {
    const images = join(root, "p", "images"), masks = join(root, "p", "masks");
    await writeRgb(join(images, "a.tiff"), noiseImage(40, 40));
    await writeMask(join(masks, "a.tiff"), blockMask(40, 40));
    await refused(
      root,
      await listBatch(images, masks),
      join(root, "p"),
      /p\/masks\/a\.tiff would be overwritten, and it is the mask of "a" of this run/,
    );
    // The images themselves lie where masks would be written.
    const own = join(root, "p2", "masks");
    await writeRgb(join(own, "a.tiff"), noiseImage(40, 40));
    await writeRgb(join(own, "b.png"), noiseImage(40, 40));
    const list = await listBatch(own);
    await refused(
      root,
      list,
      join(root, "p2"),
      /masks\/a\.tiff .* it is the image "a" of this run/,
    );
    const message = /results would be written into .*p2\/masks, a folder of inputs/;
    await refused(root, list, join(root, "p2"), message, { folders: [own] });
    // By a link to the folder, and by a hard link to the file.
    await Deno.symlink(own, join(root, "link"));
    await Deno.mkdir(join(root, "p3"));
    await Deno.symlink(own, join(root, "p3", "overlays"));
    await Deno.mkdir(join(root, "p4", "masks"), { recursive: true });
    await Deno.link(join(own, "a.tiff"), join(root, "p4", "masks", "a.tiff"));
    const linked = await listBatch(join(root, "link"));
    await refused(root, linked, join(root, "p3"), /p2\/masks|link, a folder/, {
      folders: [join(root, "link")],
    });
    await refused(root, linked, join(root, "p4"), /p4\/masks\/a\.tiff .* it is the image "a"/);
    // A table of images, and a model, where tables and results go.
    await Deno.mkdir(join(root, "p5"));
    const table = join(root, "p5", "summary.csv");
    await Deno.writeTextFile(table, `image\n${join(images, "a.tiff")}\n`);
    await refused(root, await listBatch(table), join(root, "p5"), /summary\.csv .* is an input/, {
      inputs: [table],
    });
  }));

Deno.test("a file that no earlier run made is refused, whatever the settings would write; a run's own is not", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), outDir = join(root, "out");
    await writeRgb(join(images, "a.png"), noiseImage(40, 40));
    await writeRgb(join(images, "b.png"), noiseImage(40, 40, 2));
    const list = await listBatch(images);
    for (
      const name of [
        ...["masks/a.tiff", "labels/a.tiff", "uncertainty/b_entropy.tiff", "state/b.json"],
        ...["submission.csv", "scores.csv", "encodings/a.csv"],
      ]
    ) {
      await Deno.mkdir(join(outDir, name, ".."), { recursive: true });
      await Deno.writeTextFile(join(outDir, name), "mine");
      const message = new RegExp(`${name} would be overwritten, and no earlier run has made it`);
      await refused(root, list, outDir, message);
      await Deno.remove(outDir, { recursive: true });
    }
    await Deno.mkdir(outDir);
    await Deno.writeTextFile(join(outDir, "masks"), "mine");
    await refused(root, list, outDir, /out\/masks is a file where a folder of results is to be/);
    await Deno.remove(join(outDir, "masks"));
    await Deno.writeTextFile(join(outDir, "notes.txt"), "mine");
    // What a run has made is done again, also after a stop in the middle of an image.
    await collectBatch(outDir, await runBatch(list, [model()], options(outDir)));
    const stop = new AbortController();
    await assert.rejects(
      runBatch(list, [model()], {
        ...options(outDir),
        ...{ threshold: 0.3, labels: true, signal: stop.signal },
        onTile: (_done, _all, { id }) => id === "b" && stop.abort(new Error("stopped")),
      }),
      /stopped/,
    );
    assert.equal(await exists(join(outDir, "state", "b.json")), false);
    const states = await runBatch(list, [model()], { ...options(outDir), threshold: 0.3 });
    assert.deepEqual(states.map(({ status }) => status), ["done", "done"]);
    await collectBatch(outDir, states);
    assert.equal(await Deno.readTextFile(join(outDir, "notes.txt")), "mine");
    const hidden = (await filesBelow(join(outDir, "state"))).filter((name) => name.startsWith("."));
    assert.deepEqual(hidden, [".tables.json"], "nothing says any more that an image is worked on");
    // A file of the user beside a run's own.
    await Deno.mkdir(join(outDir, "geojson"), { recursive: true });
    await Deno.writeTextFile(join(outDir, "geojson", "a.geojson"), "mine");
    await refused(
      root,
      list,
      outDir,
      /geojson\/a\.geojson would be overwritten, and no earlier run/,
    );
  }));

Deno.test("results of a version that kept no record of its tables are still a run's own", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), outDir = join(root, "out");
    await writeRgb(join(images, "a.png"), noiseImage(40, 40));
    const list = await listBatch(images);
    await collectBatch(outDir, await runBatch(list, [model()], options(outDir)));
    const state = join(outDir, "state", "a.json"), text = await Deno.readTextFile(state);
    assert.match(text, /"version":\d+/);
    await Deno.remove(join(outDir, "state", ".tables.json"));
    await refused(root, list, outDir, /submission\.csv would be overwritten/);
    await Deno.writeTextFile(state, text.replace(/"version":\d+/, '"version":2'));
    const [again] = await runBatch(list, [model()], options(outDir));
    assert.deepEqual([again.status, again.skipped], ["done", false]);
    await collectBatch(outDir, [again]);
  }));

Deno.test("scores of earlier masks or settings do not stay beside new results", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), masks = join(root, "masks"), outDir = join(root, "out");
    for (const [i, id] of ["a", "b"].entries()) {
      await writeRgb(join(images, `${id}.png`), noiseImage(40, 40, i));
      await writeMask(join(masks, `${id}.tiff`), blockMask(40, 40, i + 1));
    }
    const scored = await listBatch(images, masks), plain = await listBatch(images);
    const run = (list: BatchImage[], more: Partial<BatchOptions> = {}) =>
      runBatch(list, [model()], { ...options(outDir), ...more });
    const tables = ["submission", "summary", "dice_report_submission", "scores"];
    const there = () => Promise.all(tables.map((name) => exists(join(outDir, `${name}.csv`))));
    await collectBatch(outDir, await run(scored));
    assert.deepEqual(await there(), [true, true, true, true]);
    await collectBatch(outDir, await run(plain));
    assert.deepEqual(await there(), [true, true, false, false], "no masks, no scores");
    await collectBatch(outDir, await run(scored));
    // A part of the images by other settings: no table speaks of both until all are done.
    await run(scored.slice(0, 1), { threshold: 0.4, shared: true });
    assert.deepEqual(await there(), [false, false, false, false]);
    await collectBatch(outDir, await run(scored));
    await run(scored);
    assert.deepEqual(
      await there(),
      [true, true, true, true],
      "nothing changed, nothing is removed",
    );
    await writeMask(join(masks, "a.tiff"), blockMask(40, 40, 9));
    await run(scored.slice(0, 1), { shared: true });
    assert.deepEqual(await there(), [false, false, false, false], "another mask");
  }));
