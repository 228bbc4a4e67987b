import assert from "node:assert/strict";
import { exists } from "../../lib/base/files.ts";
import { lockFolder } from "../../lib/base/lock.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { readMask } from "../../lib/image/read.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { readTrainData } from "../../lib/patching/patch_table.ts";
import { preparePatches, type PreparePatchesOptions } from "../../lib/patching/prepare.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import { noiseImage, TINY_SIZE, tinyMask, writeTinyDataset } from "../support/tiny_dataset.ts";

const [HEIGHT, WIDTH] = TINY_SIZE;
const full = { data: new Uint8Array(HEIGHT * WIDTH).fill(1), height: HEIGHT, width: WIDTH };
/** QuPath's list of one rectangle with the given right edge. */
const rectangle = (right: number) =>
  JSON.stringify([{
    type: "Feature",
    geometry: {
      type: "Polygon",
      coordinates: [[[0, 0], [right, 0], [right, 40], [0, 40], [0, 0]]],
    },
  }]);

/** Cuts the data set at `root` into `root/work` and says which images were cut, and why. */
async function cut(root: string, options: Partial<PreparePatchesOptions> = {}) {
  const { train } = await openDataset(`${root}/data`);
  const images = new Set<string>(), messages: string[] = [];
  const windows = await preparePatches(train, {
    window: [16, 16],
    step: [16, 16],
    mode: "valid",
    outDir: `${root}/work`,
    csvPath: `${root}/work/train_data.csv`,
    onProgress: (_done, _total, record) => void images.add(record.id),
    onMessage: (text) => void messages.push(text),
    ...options,
  });
  return { windows, images: [...images], messages };
}

const withData = (test: (root: string) => Promise<void>) =>
  withFolder(async (root) => {
    await writeTinyDataset(`${root}/data`);
    await test(root);
  });

const read = async (root: string) => {
  const files = await filesBelow(root), bytes: Record<string, Uint8Array> = {};
  for (const name of files.filter((f) => !f.endsWith(".digests.json"))) {
    bytes[name] = await Deno.readFile(`${root}/${name}`);
  }
  return bytes;
};

Deno.test("what is up to date is not cut again, and the windows are the same", () =>
  withData(async (root) => {
    const first = await cut(root), before = await read(`${root}/work`);
    assert.deepEqual(first.images, ["a", "bb"]);
    const again = await cut(root);
    assert.deepEqual(again.images, []);
    assert.deepEqual(again.windows, first.windows);
    assert.deepEqual(await read(`${root}/work`), before);
  }));

Deno.test("a filled mask cuts exactly the patches of its image anew", () =>
  withData(async (root) => {
    await cut(root);
    await writeMask(`${root}/data/train_mask/a.tiff`, full);
    const again = await cut(root);
    assert.deepEqual(again.images, ["a"]);
    assert.deepEqual(again.messages, ["image a is cut again: mask changed"]);
    const patches = await readTrainData(`${root}/work/train_data.csv`);
    for (const { maskPath } of patches.filter((p) => p.image === "a")) {
      assert.ok((await readMask(maskPath)).data.every((value) => value === 1), maskPath);
    }
    const bb = patches.filter((p) => p.image === "bb");
    assert.ok(bb.some((p) => !p.crypt), "the other image keeps its own");
  }));

Deno.test("a corrected encoding, a new or changed polygon, other pixels cut the image anew", () =>
  withData(async (root) => {
    await cut(root);
    const csv = `${root}/data/train.csv`;
    await Deno.writeTextFile(csv, (await Deno.readTextFile(csv)).replace(/^a,\d+/m, "a,1"));
    assert.deepEqual((await cut(root)).messages, ["image a is cut again: encoding changed"]);
    for (const right of [30, 40]) {
      await Deno.writeTextFile(`${root}/data/train/bb.json`, rectangle(right));
      assert.deepEqual((await cut(root)).messages, ["image bb is cut again: polygons changed"]);
    }
    await writeRgb(`${root}/data/train/bb.tiff`, noiseImage(HEIGHT, WIDTH, 77));
    assert.deepEqual((await cut(root)).messages, ["image bb is cut again: image changed"]);
    assert.deepEqual((await cut(root)).images, []);
  }));

Deno.test("other settings cut all anew, leaving no patch of the old ones", () =>
  withData(async (root) => {
    await cut(root, { step: [4, 4] });
    const again = await cut(root);
    assert.deepEqual(again.images, ["a", "bb"]);
    assert.match(again.messages[0], /image a is cut again: step changed/);
    const kept = again.windows.filter((w) => w.kept).length;
    assert.equal((await filesBelow(`${root}/work/patches`)).length, kept);
    assert.equal((await filesBelow(`${root}/work/masks`)).length, kept);
  }));

Deno.test("a patch that was overwritten or is missing cuts its image anew", () =>
  withData(async (root) => {
    await cut(root);
    const before = await read(`${root}/work`);
    await Deno.writeFile(`${root}/work/masks/a3.tiff`, before["masks/a4.tiff"]);
    assert.match(
      (await cut(root)).messages[0],
      /image a is cut again: .*masks\/a3\.tiff was changed/,
    );
    await Deno.remove(`${root}/work/patches/bb0.tiff`);
    assert.match((await cut(root)).messages[0], /image bb is cut again: .*bb0\.tiff is missing/);
    assert.deepEqual(await read(`${root}/work`), before);
  }));

Deno.test("the patches of an image that is gone go, and the table with them", () =>
  withData(async (root) => {
    await cut(root);
    await Deno.remove(`${root}/data/train/a.tiff`);
    const csv = `${root}/data/train.csv`;
    await Deno.writeTextFile(csv, (await Deno.readTextFile(csv)).replace(/^a,.*\n/m, ""));
    assert.deepEqual((await cut(root)).images, []);
    const files = await filesBelow(`${root}/work`);
    assert.ok(!files.some((name) => /\/a\d*\./.test(name)), files.join(" "));
    const patches = await readTrainData(`${root}/work/train_data.csv`);
    assert.ok(patches.every((p) => p.image === "bb"));
  }));

Deno.test("while patches are being changed there is no table and no state of their image", () =>
  withData(async (root) => {
    await cut(root);
    await writeMask(`${root}/data/train_mask/bb.tiff`, full);
    const stop = new AbortController();
    const aborted = cut(root, {
      signal: stop.signal,
      onProgress: (done) => {
        if (done === 15) stop.abort(new Error("enough"));
      },
    });
    await assert.rejects(aborted, /enough/);
    assert.ok(!await exists(`${root}/work/train_data.csv`));
    assert.deepEqual(
      (await filesBelow(`${root}/work/state`)).filter((name) => !name.startsWith(".")),
      ["a.json"],
    );
    const fresh = `${root}/fresh`;
    await cut(root, { outDir: fresh, csvPath: `${fresh}/train_data.csv` });
    await Deno.writeTextFile(`${root}/work/patches/.part-1-bb9.tiff`, "half");
    assert.deepEqual((await cut(root)).images, ["bb"]);
    assert.deepEqual(await read(`${root}/work`), await read(fresh));
  }));

Deno.test("the masks of slide2 and slide2_ are their own", () =>
  withFolder(async (root) => {
    for (const [i, id] of ["slide2", "slide2_", "slide"].entries()) {
      await writeRgb(`${root}/data/train/${id}.tiff`, noiseImage(HEIGHT, WIDTH, i));
      await writeMask(`${root}/data/train_mask/${id}.tiff`, tinyMask(id));
    }
    await Deno.mkdir(`${root}/data/test`);
    await Deno.writeTextFile(`${root}/data/train.csv`, "id,predicted\n");
    await Deno.writeTextFile(`${root}/data/test.csv`, "id,predicted\n");
    const { windows } = await cut(root, { step: [4, 4] });
    const patches = await readTrainData(`${root}/work/train_data.csv`);
    assert.equal(
      new Set(patches.map((p) => p.imagePath)).size,
      windows.filter((w) => w.kept).length,
    );
    for (const id of ["slide2", "slide2_", "slide"]) {
      const kept = windows.filter((w) => w.kept && w.image === id).length;
      assert.equal(patches.filter((p) => p.image === id).length, kept);
    }
    await writeMask(`${root}/data/train_mask/slide2.tiff`, full);
    assert.deepEqual((await cut(root, { step: [4, 4] })).images, ["slide2"]);
    assert.equal((await readTrainData(`${root}/work/train_data.csv`)).length, patches.length);
  }));

Deno.test("a table of the original without the column image is read by the files' names", () =>
  withFolder(async (root) => {
    const csv = `${root}/train_data.csv`;
    await Deno.writeTextFile(
      csv,
      "Train_image_path,Train_mask_path,class\npatches/007_3.tiff,masks/007_3.tiff,1\n",
    );
    assert.equal((await readTrainData(csv))[0].image, "007");
    await Deno.writeTextFile(
      csv,
      "Train_image_path,Train_mask_path,class,image\npatches/x3.tiff,masks/x3.tiff,1,007\n",
    );
    assert.equal((await readTrainData(csv))[0].image, "007", "ids stay text");
  }));

Deno.test("a second run into the same folder is refused and changes nothing", () =>
  withData(async (root) => {
    await cut(root);
    const before = await read(`${root}/work`);
    await using _lock = await lockFolder(`${root}/work`, "cutting patches");
    await assert.rejects(cut(root, { step: [8, 8] }), /work is in use by this process/);
    const { ".lock": _, ...after } = await read(`${root}/work`);
    assert.deepEqual(after, before);
  }));
