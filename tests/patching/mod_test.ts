import assert from "node:assert/strict";
import { readCsv, readTextRows } from "../../lib/tables/csv.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { crop } from "../../lib/image/pixels.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { PatchExtractor } from "../../lib/patching/extractor.ts";
import { preparePatches } from "../../lib/patching/prepare.ts";
import { decodeRle } from "../../lib/annotation/rle.ts";
import { ORIGINAL_RULE } from "../../lib/patching/tissue.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import {
  blockMask,
  noiseImage,
  TINY_SIZE,
  tinyMask,
  writeTinyDataset,
} from "../support/tiny_dataset.ts";

Deno.test("a full-size image has 16 x 17 valid patches", () => {
  const positions = new PatchExtractor([512, 512], [256, 256]).positions(4536, 4704, "valid");
  assert.equal(positions.length, 272);
  assert.deepEqual(positions[0], { row: 0, column: 0 });
  assert.deepEqual(positions[18], { row: 256, column: 256 });
  assert.deepEqual(positions.at(-1), { row: 3840, column: 4096 });
});

Deno.test("valid positions are the original's loop for any size", () => {
  for (let seed = 0; seed < 50; seed++) {
    const [h, w] = [8 + seed % 7, 5 + seed % 11];
    const [window, step] = [[3 + seed % 5, 2 + seed % 3], [1 + seed % 4, 1 + seed % 3]];
    const expected = [];
    const last = (length: number, i: number) =>
      (Math.floor((length - window[i]) / step[i]) + 1) * step[i];
    for (let row = 0; row < last(h, 0); row += step[0]) {
      for (let column = 0; column < last(w, 1); column += step[1]) expected.push({ row, column });
    }
    const extractor = new PatchExtractor(window as [number, number], step as [number, number]);
    assert.deepEqual(extractor.positions(h, w, "valid"), expected);
  }
});

Deno.test("valid patches are windows of the image, of the mask the same", () => {
  const image = noiseImage(10, 13), mask = blockMask(10, 13);
  const extractor = new PatchExtractor([4, 6], [3, 2]);
  const patches = [...extractor.extract(image, "valid")];
  const masks = [...extractor.extractMask(mask, "valid")];
  extractor.positions(10, 13, "valid").forEach(({ row, column }, i) => {
    assert.deepEqual(patches[i], crop(image, row, column, 4, 6));
    assert.equal(masks[i].data[7], mask.data[(row + 1) * 13 + column + 1]);
  });
  assert.equal(patches.length, 3 * 4);
});

Deno.test("mirror pads by reflection without repeating the border, as np.pad does", () => {
  // np.pad([[1,2,3],[4,5,6]], ((1,2),(1,2)), "reflect"): window 4, step 1 pads 1 before, 2 behind
  const mask = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), height: 2, width: 3 };
  const extractor = new PatchExtractor([4, 4], [1, 1]);
  const patches = [...extractor.extractMask(mask, "mirror")];
  assert.equal(patches.length, 2 * 3);
  assert.deepEqual([...patches[0].data], [5, 4, 5, 6, 2, 1, 2, 3, 5, 4, 5, 6, 2, 1, 2, 3]);
  assert.deepEqual([...patches[5].data], [2, 3, 2, 1, 5, 6, 5, 4, 2, 3, 2, 1, 5, 6, 5, 4]);
  const image = {
    data: Uint8Array.from([...mask.data].flatMap((v) => [v, v + 10, v + 20])),
    height: 2,
    width: 3,
  };
  const first = extractor.extract(image, "mirror").next().value!;
  assert.deepEqual([...first.data.filter((_, i) => i % 3 === 0)], [...patches[0].data]);
  assert.deepEqual([...first.data.subarray(0, 3)], [5, 15, 25]);
});

Deno.test("mirror reflects again and again where the image is smaller than the border", () => {
  const mask = { data: Uint8Array.of(1, 2), height: 1, width: 2 };
  const [patch] = new PatchExtractor([1, 9], [1, 1]).extractMask(mask, "mirror");
  // np.pad([1, 2], (4, 4), "reflect")
  assert.deepEqual([...patch.data], [1, 2, 1, 2, 1, 2, 1, 2, 1]);
});

Deno.test("sizes that make no sense are refused", () => {
  assert.throws(() => new PatchExtractor([0, 4], [1, 1]), /window must be two positive integers/);
  assert.throws(() => new PatchExtractor([4, 4], [1, 0.5]), /step must be two positive integers/);
  const extractor = new PatchExtractor([8, 8], [4, 4]);
  assert.throws(
    () => extractor.positions(20, 7, "valid"),
    /an image of 20 x 7 is smaller than a patch of 8 x 8/,
  );
  assert.throws(
    () => extractor.positions(20, 20, "same" as "valid"),
    /"valid", "mirror" or "cover"/,
  );
});

Deno.test("patches, masks and their table are what the image holds", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const seen: string[] = [];
    const summaries = await preparePatches(train, {
      window: [16, 16],
      step: [16, 16],
      mode: "valid",
      outDir: `${root}/work`,
      csvPath: `${root}/work/tables/train_data.csv`,
      onProgress: (done, total, record) => seen.push(`${done}/${total} ${record.id}`),
    });
    assert.equal(summaries.length, 2 * 12);
    assert.deepEqual([seen[0], seen.at(-1)], ["1/24 a", "24/24 bb"]);
    assert.deepEqual(summaries.map((s) => s.index).slice(12), [...Array(12).keys()]);
    const csv = `${root}/work/tables/train_data.csv`;
    const rows = readTextRows(csv, ["Train_image_path", "Train_mask_path", "class"]);
    const [header] = (await Deno.readTextFile(csv)).split("\n");
    assert.equal(header, "Train_image_path,Train_mask_path,class,image");
    assert.equal(rows.length, 24);
    assert.deepEqual(rows[5], {
      Train_image_path: "../patches/a5.tiff",
      Train_mask_path: "../masks/a5.tiff",
      class: "1",
      image: "a",
    });
    const image = await readRgb(train[1].imagePath), mask = tinyMask("bb");
    for (const { index, row, column, crypt, kept, reason } of summaries.slice(12)) {
      assert.ok(kept);
      assert.equal(reason, crypt ? "crypt" : "tissue");
      const patch = await readRgb(`${root}/work/patches/bb${index}.tiff`);
      assert.deepEqual(patch, crop(image, row, column, 16, 16));
      const patchMask = await readMask(`${root}/work/masks/bb${index}.tiff`);
      assert.equal(patchMask.data[17], mask.data[(row + 1) * TINY_SIZE[1] + column + 1]);
      assert.equal(crypt, patchMask.data.includes(1));
    }
    const left = (await filesBelow(`${root}/work`)).filter((name) => name.includes(".part-"));
    assert.deepEqual(left, []);
  }));

Deno.test("patches without crypt are dropped by the rule, crypt patches never", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const options = {
      window: [16, 16] as const,
      step: [16, 16] as const,
      mode: "valid" as const,
      outDir: root,
      csvPath: `${root}/train_data.csv`,
    };
    const all = await preparePatches(train, {
      ...options,
      filter: { ...ORIGINAL_RULE, brightAbove: 100 },
    });
    assert.ok(all.every((s) => s.bright === 1 && s.kept === s.crypt));
    assert.ok(all.some((s) => s.reason === "bright") && all.some((s) => s.reason === "crypt"));
    const kept = all.filter((s) => s.kept).length;
    assert.equal(readCsv(options.csvPath, ["class"]).height, kept);
    assert.equal((await filesBelow(`${root}/patches`)).length, kept);
    const dark = await preparePatches(train, {
      ...options,
      filter: { ...ORIGINAL_RULE, darkBelow: 256, brightAbove: 100 },
    });
    assert.ok(dark.some((s) => s.reason === "dark") && dark.every((s) => s.reason !== "bright"));
  }));

Deno.test("with a scale the patches are of the smaller image", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const summaries = await preparePatches(train.slice(0, 1), {
      window: [8, 8],
      step: [8, 8],
      mode: "valid",
      scale: 0.5,
      outDir: root,
      csvPath: `${root}/train_data.csv`,
    });
    assert.equal(summaries.length, 3 * 4);
    const half = await readRgb(train[0].imagePath, { scale: 0.5 });
    assert.deepEqual(await readRgb(`${root}/patches/a6.tiff`), crop(half, 8, 16, 8, 8));
  }));

Deno.test("an aborted run leaves no table and no half-written file", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const abort = new AbortController();
    const run = preparePatches(train, {
      window: [16, 16],
      step: [8, 8],
      mode: "mirror",
      outDir: `${root}/out`,
      csvPath: `${root}/out/train_data.csv`,
      onProgress: (done) => done === 5 && abort.abort(new Error("stopped by hand")),
      signal: abort.signal,
    });
    await assert.rejects(run, /stopped by hand/);
    const files = await filesBelow(`${root}/out`);
    assert.ok(files.length > 0 && files.every((name) => /^(patches|masks)\/a\d\.tiff$/.test(name)));
    for (const name of files) await readRgbOrMask(`${root}/out/${name}`);
  }));

async function readRgbOrMask(path: string): Promise<void> {
  await (path.includes("/masks/") ? readMask(path) : readRgb(path));
}

sharedTest("the crypt patches of HandE_B005_CL_b_RGB_topleft are exactly the listed ones", () => {
  const expected = JSON.parse(
    Deno.readTextFileSync(sharedPath("colonic-rle/class_1_patches.json")),
  );
  const rows = readTextRows(sharedPath("colonic-rle/train.csv"), ["id", "predicted"]);
  const rle = rows.find(({ id }) => id === expected.image)!.predicted!;
  const { height, width } = expected;
  const mask = { data: decodeRle(rle, height, width), height, width };
  const extractor = new PatchExtractor([512, 512], [256, 256]);
  const indices = [...extractor.extractMask(mask, "valid")]
    .flatMap((patch, i) => patch.data.includes(1) ? [i] : []);
  assert.deepEqual(indices, expected.class_1_patch_indices);
});

Deno.test("patch 13 of train_2 and patch 3 of train_21 are different files", () =>
  withFolder(async (root) => {
    for (const [i, id] of ["train_2", "train_21"].entries()) {
      await writeRgb(`${root}/train/${id}.tiff`, noiseImage(16, 64, i));
      await writeMask(`${root}/train_mask/${id}.tiff`, blockMask(16, 64, i));
    }
    await Deno.mkdir(`${root}/test`);
    await Deno.writeTextFile(`${root}/train.csv`, "id,predicted\n");
    await Deno.writeTextFile(`${root}/test.csv`, "id,predicted\n");
    const { train } = await openDataset(root);
    const csvPath = `${root}/train_data.csv`;
    const summaries = await preparePatches(train, {
      window: [4, 4],
      step: [4, 4],
      mode: "valid",
      outDir: root,
      csvPath,
    });
    const kept = summaries.filter((s) => s.kept);
    const paths = readTextRows(csvPath, ["Train_image_path"]).map((row) => row.Train_image_path!);
    assert.equal(new Set(paths).size, kept.length);
    assert.equal((await filesBelow(`${root}/patches`)).length, kept.length);
    const index = kept.findIndex((s) => s.image === "train_21" && s.index === 3);
    const image = await readRgb(train[1].imagePath);
    assert.deepEqual(await readRgb(`${root}/${paths[index]}`), crop(image, 0, 12, 4, 4));
  }));
