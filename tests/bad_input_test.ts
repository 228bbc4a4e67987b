import assert from "node:assert/strict";
import { readCsv, writeCsv } from "../lib/tables/csv.ts";
import { ensureMask, openDataset } from "../lib/dataset/dataset.ts";
import { readMask, readRgb } from "../lib/image/read.ts";
import { writeMask, writeRgb } from "../lib/image/write.ts";
import { preparePatches } from "../lib/patching/prepare.ts";
import { filesBelow, withFolder } from "./support/temporary.ts";
import { blockMask, noiseImage, writeTinyDataset } from "./support/tiny_dataset.ts";

/** Everything below `root` with its length, to see that nothing was written or lost. */
async function inventory(root: string): Promise<string[]> {
  const names = await filesBelow(root);
  return await Promise.all(
    names.map(async (n) => `${n} ${(await Deno.stat(`${root}/${n}`)).size}`),
  );
}

/** Damages a fresh tiny data set and expects that opening it fails with `message`. */
function refusesDataset(damage: (root: string) => Promise<unknown> | unknown, message: RegExp) {
  return withFolder(async (root) => {
    await writeTinyDataset(root);
    await damage(root);
    const before = await inventory(root);
    await assert.rejects(openDataset(root), message);
    assert.deepEqual(await inventory(root), before);
  });
}

const patchOptions = (root: string) => ({
  window: [16, 16] as const,
  step: [16, 16] as const,
  mode: "valid" as const,
  outDir: `${root}/work`,
  csvPath: `${root}/work/train_data.csv`,
});

Deno.test("a missing image, mask or table is named", () =>
  withFolder(async (folder) => {
    const { NotFound } = Deno.errors;
    await assert.rejects(readRgb(`${folder}/x.tiff`), {
      name: NotFound.name,
      message: /no image file at .*x\.tiff/,
    });
    await assert.rejects(readMask(`${folder}/m.tiff`), /no image file at .*m\.tiff/);
    assert.throws(() => readCsv(`${folder}/t.csv`, []), /no table at .*t\.csv/);
    await assert.rejects(openDataset(`${folder}/none`), /no data set folder at .*none/);
  }));

Deno.test("a truncated TIFF is refused, not padded with grey", () =>
  withFolder(async (folder) => {
    const path = `${folder}/cut.tiff`;
    await writeRgb(path, noiseImage(200, 200));
    const bytes = await Deno.readFile(path);
    for (const share of [0.05, 0.5, 0.95]) {
      await Deno.writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)));
      await assert.rejects(readRgb(path), /cannot read image .*cut\.tiff/, `${share}`);
      await assert.rejects(readMask(path), /cannot read image .*cut\.tiff/, `${share}`);
    }
    await Deno.writeTextFile(path, "no picture");
    await assert.rejects(readRgb(path), /cannot read image .*cut\.tiff/);
    await Deno.writeTextFile(path, "");
    await assert.rejects(readRgb(path), /cannot read image .*cut\.tiff/);
  }));

Deno.test("a mask of another size is refused with both sizes", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    await writeMask(`${root}/train_mask/a.tiff`, blockMask(48, 63));
    const { train } = await openDataset(root);
    const message = /mask .*train_mask\/a\.tiff is 48 x 63 \(height x width\), its image 48 x 64/;
    await assert.rejects(ensureMask(train[0]), { name: "RangeError", message });
    await assert.rejects(preparePatches(train, patchOptions(root)), message);
    assert.deepEqual((await filesBelow(root)).filter((name) => name.startsWith("work")), []);
  }));

Deno.test("an encoding that leaves its image is refused with table, id and pair", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    await Deno.writeTextFile(`${root}/test.csv`, "id,predicted\ncccc,1 5 3070 9\n");
    const { test } = await openDataset(root);
    await assert.rejects(ensureMask(test[0]), /test\.csv, id cccc: .*pair 1 "3070 9" ends beyond/);
  }));

Deno.test("a table without its column is refused, naming both", () =>
  refusesDataset(
    (root) => Deno.writeTextFile(`${root}/train.csv`, "id,pixels\na,1 1\n"),
    /train\.csv lacks the column "predicted"; it has "id", "pixels"/,
  ));

Deno.test("an empty table file is refused", () =>
  refusesDataset(
    (root) => Deno.writeTextFile(`${root}/train.csv`, ""),
    /train\.csv lacks the columns "id", "predicted"/,
  ));

Deno.test("a missing image folder is named", () =>
  refusesDataset(
    (root) => Deno.remove(`${root}/test`, { recursive: true }),
    /no image folder at .*test/,
  ));

Deno.test("an image that only the table knows is named", () =>
  refusesDataset(
    (root) => Deno.remove(`${root}/train/bb.tiff`),
    /train\.csv names image "bb", but .*train has no such image/,
  ));

Deno.test("an id that occurs twice, or an image in two formats, is named", async () => {
  await refusesDataset(
    (root) => Deno.writeTextFile(`${root}/test.csv`, "id,predicted\ncccc,1 1\ncccc,2 1\n"),
    /test\.csv, line 3 repeats the id "cccc"/,
  );
  await refusesDataset(
    (root) => Deno.copyFile(`${root}/train/a.tiff`, `${root}/train/a.png`),
    /two images "a": a\.png and a\.tiff/,
  );
});

Deno.test("a size that contradicts the information table is refused", () =>
  refusesDataset(
    (root) => writeRgb(`${root}/train/a.tiff`, noiseImage(48, 65)),
    /a\.tiff is 48 x 65 .*colon-dataset_information\.csv says 48 x 64/,
  ));

Deno.test("a size in the information table that is no number is refused", () =>
  refusesDataset(
    (root) =>
      Deno.writeTextFile(
        `${root}/colon-dataset_information.csv`,
        "image_file,width_pixels,height_pixels\na,sixty,48\n",
      ),
    /image a: width_pixels must be pixels, got "sixty"/,
  ));

Deno.test("an empty data set is refused", () =>
  refusesDataset(async (root) => {
    for (const split of ["train", "test"]) {
      await Deno.remove(`${root}/${split}`, { recursive: true });
      await Deno.mkdir(`${root}/${split}`);
      await Deno.writeTextFile(`${root}/${split}.csv`, "id,predicted\n");
    }
  }, /data set .* is empty/));

Deno.test("an image smaller than a patch is named before anything is written", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    await assert.rejects(
      preparePatches(train, { ...patchOptions(root), window: [64, 64] }),
      /image a: an image of 48 x 64 is smaller than a patch of 64 x 64/,
    );
    assert.ok(!(await filesBelow(root)).some((name) => name.startsWith("work")));
  }));

Deno.test("a data set without annotations has nothing to patch", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const none = train.map((record) => ({ ...record, annotated: false }));
    await assert.rejects(preparePatches(none, patchOptions(root)), /none of the 3 images is annot/);
  }));

Deno.test("a path that cannot be written is named and nothing is left behind", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    // a file stands where a folder should be: not even root can write below it
    await Deno.writeTextFile(`${root}/blocked`, "");
    const before = await inventory(root);
    const message = /cannot write .*blocked\//;
    await assert.rejects(writeRgb(`${root}/blocked/a.tiff`, noiseImage(4, 4)), message);
    await assert.rejects(writeMask(`${root}/blocked/a.tiff`, blockMask(4, 4)), message);
    const { train } = await openDataset(root);
    const frame = readCsv(`${root}/train.csv`, ["id"]);
    await assert.rejects(writeCsv(`${root}/blocked/t.csv`, frame), message);
    await assert.rejects(
      preparePatches(train, { ...patchOptions(root), outDir: `${root}/blocked` }),
      message,
    );
    assert.deepEqual(await inventory(root), before);
  }));

Deno.test("a broken image in the middle leaves no table", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train } = await openDataset(root);
    const bytes = await Deno.readFile(train[1].imagePath);
    await Deno.writeFile(train[1].imagePath, bytes.subarray(0, bytes.length / 2));
    await assert.rejects(preparePatches(train, patchOptions(root)), /cannot read image .*bb\.tiff/);
    const files = await filesBelow(`${root}/work`);
    assert.ok(
      files.length > 0 &&
        files.every((name) => /^((patches|masks)\/a\d+\.tiff|state\/a\.json)$/.test(name)),
    );
  }));
