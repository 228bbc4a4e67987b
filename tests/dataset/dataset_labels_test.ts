import assert from "node:assert/strict";
import { ensureLabels, ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import { labelComponents } from "../../lib/image/components.ts";
import { writeLabels } from "../../lib/image/write.ts";
import { polygonsToLabels } from "../../lib/annotation/polygons.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { withFolder } from "../support/temporary.ts";
import { TINY_SIZE, tinyMask, writeTinyDataset } from "../support/tiny_dataset.ts";

const [height, width] = TINY_SIZE;

const square = (x: number, y: number, side: number) => ({
  type: "Feature",
  geometry: {
    type: "Polygon",
    coordinates: [[[x, y], [x + side, y], [x + side, y + side], [x, y + side]]],
  },
});

Deno.test("labels come from a label file, from polygons, or from components", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    // touching squares, which components cannot tell apart
    const json = JSON.stringify([square(2, 2, 6), square(8, 2, 6)]);
    await Deno.writeTextFile(`${root}/train/empty.json`, json);
    const labels = { data: new Uint16Array(height * width), height, width };
    labels.data.set([7, 7, 300, 300]);
    await writeLabels(`${root}/train_mask/bb.tiff`, labels);
    const { train: [a, bb, empty], test: [c] } = await openDataset(root);
    assert.deepEqual(await ensureLabels(bb), labels);
    assert.deepEqual(await ensureLabels(a), labelComponents(tinyMask("a")));
    assert.deepEqual(await ensureLabels(c), labelComponents(tinyMask("cccc")));
    const drawn = await ensureLabels(empty);
    const count = (value: number) => drawn.data.filter((v) => v === value).length;
    assert.deepEqual([count(1), count(2), count(3)], [36, 36, 0]);
    for (const record of [a, bb, empty, c]) {
      const { data } = await ensureLabels(record);
      assert.deepEqual((await ensureMask(record)).data, Uint8Array.from(data, (v) => v && 1));
    }
  }));

Deno.test("of overlapping polygons the smaller lies on top, whatever their order", () => {
  const ring = (x: number, side: number) => ({
    rings: [[[x, 0], [x + side, 0], [x + side, side], [x, side]] as [number, number][]],
    classification: null,
  });
  const [large, small] = [ring(0, 4), ring(1, 2)];
  assert.deepEqual([...polygonsToLabels([large, small], 1, 5)], [1, 2, 2, 1, 0]);
  assert.deepEqual([...polygonsToLabels([small, large], 1, 5)], [2, 1, 1, 2, 0]);
});

Deno.test("images with masks alone are a data set, without tables and without a test split", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    for (const name of ["train.csv", "test.csv", "test", "colon-dataset_information.csv"]) {
      await Deno.remove(`${root}/${name}`, { recursive: true });
    }
    const { train, test } = await openDataset(root);
    assert.deepEqual(test, []);
    assert.deepEqual(train.map((r) => [r.id, r.annotated]), [
      ["a", true],
      ["bb", true],
      ["empty", false],
    ]);
    assert.deepEqual(await ensureMask(train[0]), tinyMask("a"));
  }));

Deno.test("a mask beside the row 0 0 counts", () =>
  withFolder(async (root) => {
    await writeTinyDataset(root);
    await Deno.writeTextFile(`${root}/train.csv`, "id,predicted\na,0 0\nbb,0 0\nempty,0 0\n");
    const { train } = await openDataset(root);
    assert.deepEqual(train.map((r) => r.annotated), [true, true, false]);
    assert.deepEqual(await ensureMask(train[0]), tinyMask("a"));
  }));

sharedTest(
  "GlaS with label masks opens: 85 images, 15 patients, glands as they are numbered",
  async () => {
    const { train, test } = await openDataset(sharedPath("glas85"));
    assert.deepEqual([train.length, test.length], [85, 0]);
    assert.equal(new Set(train.map((r) => r.donor)).size, 15);
    assert.ok(train.every((r) => r.annotated && r.pixelSize === 0.62005));
    let glands = 0;
    for (const record of train) {
      const { data } = await ensureLabels(record);
      const values = new Set(data);
      values.delete(0);
      glands += values.size;
      // one value a gland, without gaps
      assert.deepEqual([...values].sort((a, b) => a - b), [...values].map((_, i) => i + 1));
    }
    assert.equal(glands, 769);
  },
);
