import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { readGreyValues } from "../../lib/image/grey_values.ts";
import { type LabelMask, resizeMask } from "../../lib/image/pixels.ts";
import { readRgb } from "../../lib/image/read.ts";
import { writeLabels, writeRgb } from "../../lib/image/write.ts";
import { PatchExtractor, type PatchMode } from "../../lib/patching/extractor.ts";
import { readTrainData } from "../../lib/patching/patch_table.ts";
import { patchScale, preparePatches } from "../../lib/patching/prepare.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

/** Blocks of 5 x 5 pixels, each with a label of its own or none; labels beyond 255 among them. */
function blocks(height: number, width: number, seed = 1): LabelMask {
  const random = createRandom(seed), across = Math.ceil(width / 5);
  const label = Array.from(
    { length: across * Math.ceil(height / 5) },
    (_, i) => random.next() < 0.6 ? 200 + 3 * i : 0,
  );
  const data = Uint16Array.from(
    { length: height * width },
    (_, i) => label[Math.floor(Math.floor(i / width) / 5) * across + Math.floor((i % width) / 5)],
  );
  return { data, height, width };
}

Deno.test("windows that cover lie evenly from edge to edge, at most a step apart; small images are one patch", () => {
  const extractor = new PatchExtractor([8, 8], [4, 4]);
  assert.deepEqual(extractor.positions(8, 18, "cover").map((p) => p.column), [0, 3, 7, 10]);
  assert.deepEqual(extractor.positions(5, 30, "cover").map((p) => p.row), Array(7).fill(0));
  assert.deepEqual(extractor.windowIn(5, 30, "cover"), [5, 8]);
  for (let side = 1; side < 40; side++) {
    const rows = extractor.positions(side, 8, "cover").map((p) => p.row);
    assert.equal(rows[0], 0);
    assert.equal(rows.at(-1)! + Math.min(8, side), side);
    rows.slice(1).forEach((row, i) => assert.ok(row > rows[i] && row - rows[i] <= 4));
  }
  const [whole] = extractor.extract(noiseImage(5, 7), "cover");
  assert.deepEqual(whole, noiseImage(5, 7));
});

Deno.test("patches of labels are those of the mask scaled and cut, with one value per crypt", () => {
  const labels = blocks(40, 52), size = { height: 20, width: 26 };
  const binary = resizeMask(
    { data: Uint8Array.from(labels.data, (v) => v > 0 ? 1 : 0), height: 40, width: 52 },
    20,
    26,
  );
  for (const mode of ["valid", "mirror", "cover"] as PatchMode[]) {
    const extractor = new PatchExtractor([8, 8], [4, 4]);
    const masks = [...extractor.extractMask(binary, mode)];
    const patches = [...extractor.extractLabels(labels, size, mode)];
    assert.equal(patches.length, masks.length, mode);
    let several = 0;
    patches.forEach(({ data }, i) => {
      assert.deepEqual(data.map((v) => v > 0 ? 1 : 0), masks[i].data, `${mode} ${i}`);
      const values = [...new Set(data)].filter((v) => v > 0);
      assert.deepEqual(values, values.map((_, k) => k + 1), "numbered by first pixel");
      if (values.length > 1) several++;
    });
    assert.ok(several > 3);
  }
  // Neighbouring blocks touch; in a patch they are as apart as in the image.
  const [first] = new PatchExtractor([20, 26], [1, 1]).extractLabels(labels, size, "valid");
  const pairs = new Map<number, number>();
  first.data.forEach((value, i) => {
    const y = Math.floor(i / 26) * 2 + 1, x = (i % 26) * 2 + 1;
    const label = labels.data[y * 52 + x];
    assert.equal(pairs.get(value) ?? label, label);
    pairs.set(value, label);
  });
  assert.equal(new Set(pairs.values()).size, pairs.size);
});

Deno.test("a patch of more crypts than a byte can tell apart is refused with what to do", () => {
  const data = Uint16Array.from({ length: 400 }, (_, i) => i + 1);
  const labels = { data, height: 20, width: 20 };
  const extract =
    () => [...new PatchExtractor([20, 20], [1, 1]).extractLabels(labels, labels, "valid")];
  assert.throws(extract, /row 0, column 0 holds 400 crypts, at most 255 fit: use smaller patches/);
});

Deno.test("a data set of label images and mixed pixel sizes becomes patches of one pixel size that keep labels", () =>
  withFolder(async (root) => {
    const labels = blocks(40, 60);
    await writeRgb(`${root}/train/fine.tiff`, noiseImage(40, 60));
    await writeLabels(`${root}/train_mask/fine.tiff`, labels);
    await writeRgb(`${root}/train/coarse.tiff`, noiseImage(20, 30));
    await writeLabels(`${root}/train_mask/coarse.tiff`, blocks(20, 30));
    await Deno.writeTextFile(
      `${root}/colon-dataset_information.csv`,
      "image_file,width_pixels,height_pixels,patient_number,pixel_size_um\n" +
        "fine,60,40,1,0.5\ncoarse,30,20,2,1\n",
    );
    const { train } = await openDataset(root);
    const options = {
      window: [32, 32] as const,
      step: [16, 16] as const,
      mode: "cover" as const,
      labels: true,
      pixelSize: 1,
      outDir: root,
      csvPath: `${root}/train_data.csv`,
    };
    await preparePatches(train, options);
    const patches = await readTrainData(options.csvPath);
    assert.deepEqual(patches.map((p) => p.image).sort(), ["coarse", "fine"]);
    for (const { imagePath, maskPath } of patches) {
      const { height, width } = await readRgb(imagePath);
      assert.deepEqual([height, width], [20, 30]);
      const mask = await readGreyValues(maskPath, { height, width });
      assert.ok(new Set(mask.data).size > 5);
      await assert.rejects(
        readGreyValues(maskPath, { height: 9, width }),
        /20 x 30 .*image 9 x 30/,
      );
    }
    await assert.rejects(
      preparePatches(train, { ...options, pixelSize: 0.6 }),
      /image coarse has 1 µm per pixel, coarser than the wanted 0.6/,
    );
    const unknown = { id: "x", pixelSize: null };
    assert.equal(patchScale(unknown, { scale: 0.25, pixelSize: 1 }), 0.25);
    assert.equal(patchScale({ id: "x", pixelSize: 0.62005 }, { pixelSize: 0.62 }), 1);
  }));
