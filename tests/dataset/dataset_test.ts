import assert from "node:assert/strict";
import { ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import { readPolygons } from "../../lib/annotation/geojson.ts";
import { polygonsToMask } from "../../lib/annotation/polygons.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { withFolder } from "../support/temporary.ts";
import { TINY_SIZE, tinyMask, writeTinyDataset } from "../support/tiny_dataset.ts";

const [height, width] = TINY_SIZE;
const box = [{
  type: "Feature",
  geometry: { type: "Polygon", coordinates: [[[3, 2], [9, 2], [9, 12], [3, 12], [3, 2]]] },
}];

Deno.test("a data set is described as it lies on the disk", () =>
  withFolder(async (folder) => {
    const root = `${folder}/tiny`;
    await writeTinyDataset(root);
    const dataset = await openDataset(`${root}/`);
    assert.equal(dataset.name, "tiny");
    assert.deepEqual(dataset.train.map((r) => r.id), ["a", "bb", "empty"]);
    assert.deepEqual(dataset.test.map((r) => r.id), ["cccc"]);
    const [a, bb, empty] = dataset.train;
    assert.deepEqual([a.height, a.width, a.split], [height, width, "train"]);
    assert.deepEqual([a.donor, a.pixelSize], ["P1", 0.5]);
    assert.deepEqual([bb.donor, bb.pixelSize], ["P2", null]);
    assert.deepEqual([empty.donor, empty.annotated, empty.rle], [null, false, "0 0"]);
    assert.ok(a.annotated && bb.annotated && dataset.test[0].annotated);
    assert.equal(a.polygonsPath, null);
    await Deno.stat(a.imagePath);
    await Deno.stat(a.maskPath);
  }));

Deno.test("a mask comes from its file, else its encoding, and is empty where nothing is annotated", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const { train: [a, , empty], test: [c] } = await openDataset(root);
    assert.deepEqual(await ensureMask({ ...a, rle: "1 1" }), tinyMask("a"));
    assert.deepEqual(await ensureMask(c), tinyMask("cccc"));
    assert.ok((await ensureMask(empty)).data.every((v) => v === 0));
  }));

Deno.test("polygons beside an image annotate what the table does not", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    const json = `${root}/train/empty.json`;
    await Deno.writeTextFile(json, JSON.stringify(box));
    // an image that is in no table at all
    await Deno.copyFile(`${root}/train/a.tiff`, `${root}/train/new.tiff`);
    await Deno.copyFile(json, `${root}/train/new.json`);
    const { train } = await openDataset(root);
    assert.deepEqual(train.map((r) => r.id), ["a", "bb", "empty", "new"]);
    for (const record of train.slice(2)) {
      assert.ok(record.annotated, record.id);
      const expected = polygonsToMask(await readPolygons(json), height, width);
      assert.deepEqual((await ensureMask(record)).data, expected);
      assert.equal(expected.reduce((x, y) => x + y), 60);
    }
    assert.equal(train[3].rle, null);
  }));

Deno.test("an image without table row, mask and polygons is not annotated and has no mask", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    await Deno.copyFile(`${root}/test/cccc.tiff`, `${root}/test/new.ome.tiff`);
    const { test } = await openDataset(root);
    assert.deepEqual([test[1].id, test[1].annotated, test[1].rle], ["new", false, null]);
    await assert.rejects(ensureMask(test[1]), /no mask of test image new: neither .*new\.tiff/);
  }));

Deno.test("encodings without images open when asked, with sizes of the information table", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    await Deno.remove(`${root}/train`, { recursive: true });
    await Deno.remove(`${root}/train_mask`, { recursive: true });
    await Deno.writeTextFile(`${root}/train.csv`, "id,predicted\na,1 3\n");
    const { train, test } = await openDataset(root, { images: "optional" });
    assert.deepEqual([train[0].height, train[0].width], [height, width]);
    assert.equal(test.length, 1);
    assert.equal((await ensureMask(train[0])).data.reduce((x, y) => x + y), 3);
    await Deno.writeTextFile(`${root}/train.csv`, "id,predicted\nnowhere,1 3\n");
    await assert.rejects(
      openDataset(root, { images: "optional" }),
      /"nowhere".*nor colon-dataset_information\.csv its size/,
    );
  }));

sharedTest("the real encodings open without their images", async () => {
  const { train, test } = await openDataset(sharedPath("colonic-rle"), { images: "optional" });
  assert.deepEqual(train.map((r) => r.annotated), [true, false]);
  assert.deepEqual(test.map((r) => [r.donor, r.height, r.width]), [
    ["B004", 4536, 4704],
    ["B005", 4536, 4704],
  ]);
});
