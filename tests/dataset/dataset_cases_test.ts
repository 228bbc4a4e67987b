import assert from "node:assert/strict";
import sharp from "sharp";
import { collectNotices } from "../../lib/base/notices.ts";
import { ensureLabels, ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { readRgb } from "../../lib/image/read.ts";
import { openRegions } from "../../lib/image/regions.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

/** Crypt pixels that `../shared/cases/README.md` gives for each mask and annotation. */
const MASKS = {
  "images/mask01_rgb_icc.tiff": 2000,
  "masks/bool.tiff": 2856,
  "masks/pal_white.png": 2856,
  "masks/voc.png": 2856,
  "masks/alphamask.png": 2856,
};
const ANNOTATIONS = {
  "classes.json": 1954,
  "child.json": 3188,
  "bom.json": 1954,
  "nan.json": 1954,
  "point.json": 1954,
  "nullgeom.json": 1234,
};

sharedTest("all masks of ../shared/cases have their pixels, through a data set", async () => {
  for (const [file, crypt] of Object.entries(MASKS)) {
    await withFolder(async (root) => {
      const extension = file.slice(file.lastIndexOf("."));
      await writeRgb(`${root}/train/a.tiff`, noiseImage(96, 120));
      await Deno.mkdir(`${root}/train_mask`);
      await Deno.copyFile(sharedPath(`cases/${file}`), `${root}/train_mask/a${extension}`);
      const { train: [record] } = await openDataset(root);
      assert.ok(record.annotated);
      const { data } = await ensureMask(record);
      assert.equal(data.reduce((sum, v) => sum + v, 0), crypt, file);
      assert.deepEqual(Uint8Array.from((await ensureLabels(record)).data, (v) => v && 1), data);
    });
  }
});

sharedTest("all annotations of ../shared/cases have their pixels, through a data set", async () => {
  for (const [file, crypt] of Object.entries(ANNOTATIONS)) {
    await withFolder(async (root) => {
      await writeRgb(`${root}/test/a.tiff`, noiseImage(100, 140));
      await Deno.copyFile(sharedPath(`cases/annotations/${file}`), `${root}/test/a.GeoJSON`);
      const { train, test: [record] } = await openDataset(root);
      assert.deepEqual(train, []);
      const { result, notices } = await collectNotices(() => ensureMask(record));
      assert.equal(result.data.reduce((sum, v) => sum + v, 0), crypt, file);
      const expected = { "point.json": "is a Point", "nullgeom.json": "has no geometry" };
      const part = Object.entries(expected).find(([name]) => name === file)?.[1];
      assert.ok(part ? notices.join().includes(part) : notices.length === 0, notices.join());
    });
  }
});

sharedTest("all images of ../shared/cases have their samples and pixel sizes", async () => {
  const path = (name: string) => sharedPath(`cases/images/${name}`);
  const plain = await readRgb(path("plain.tiff"));
  // sharp without its conversion of colours: what Pillow reads
  const raw = await sharp(path("plain.tiff")).raw().toBuffer();
  assert.deepEqual(plain.data, new Uint8Array(raw));
  const names = [
    "adobe.tiff",
    "unsorted.tif",
    "ascii_nonull.tif",
    "px_desc_two.tiff",
    "ome_nm.ome.tiff",
    "res_none.tiff",
  ];
  for (const name of names) {
    assert.deepEqual(await readRgb(path(name)), plain, name);
    const regions = await openRegions(path(name));
    assert.deepEqual(await regions.read(0, 0, 96, 128), plain, name);
  }
  const sizes = { "px_desc_two.tiff": 0.503, "ome_nm.ome.tiff": 0.5, "res_none.tiff": null };
  for (const [name, size] of Object.entries(sizes)) {
    assert.equal((await probeImage(path(name))).pixelSize, size, name);
  }
});
