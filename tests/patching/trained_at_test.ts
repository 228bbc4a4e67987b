import assert from "node:assert/strict";
import { exists } from "../../lib/base/files.ts";
import { collectNotices } from "../../lib/base/notices.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { chooseProfile } from "../../lib/notebook/profile.ts";
import { trainOptions } from "../../lib/notebook/pipeline.ts";
import { openWorkspace } from "../../lib/notebook/workspace.ts";
import { preparePatches } from "../../lib/patching/prepare.ts";
import { trainedPixelSize } from "../../lib/patching/trained_at.ts";
import { withFolder } from "../support/temporary.ts";
import { TINY_SIZE, writeTinyDataset } from "../support/tiny_dataset.ts";

/** The tiny data set with these pixel sizes of its two annotated images (text of the table's cells). */
async function opened(root: string, a: string, bb: string) {
  const [height, width] = TINY_SIZE;
  await writeTinyDataset(root);
  await Deno.writeTextFile(
    `${root}/colon-dataset_information.csv`,
    "image_file,width_pixels,height_pixels,pixel_size_um\n" +
      `a,${width},${height},${a}\nbb,${width},${height},${bb}\n`,
  );
  return await openDataset(root);
}

const glas = chooseProfile("glas");

Deno.test("the models of images of unknown pixel size do not say one, and one line says so", () =>
  withFolder(async (root) => {
    const { train, ...dataset } = await opened(`${root}/data`, "", "");
    assert.equal(trainedPixelSize(train, { pixelSize: 1.24 }), null);
    const workspace = await openWorkspace({ data: `${root}/data`, out: `${root}/out` });
    assert.equal(trainOptions(workspace, glas, { train, ...dataset }).pixelSize, undefined);
    const cut = (pixelSize?: number) =>
      preparePatches(train, {
        ...{ window: [16, 16], step: [16, 16], mode: "valid", scale: 0.5, pixelSize },
        ...{ outDir: `${root}/work`, csvPath: `${root}/work/train_data.csv` },
      });
    const { notices } = await collectNotices(() => cut(1.24));
    assert.equal(notices.length, 1, notices.join("\n"));
    assert.match(notices[0], /resized by scale 0\.5 instead of to 1\.24 µm .* pixel_size_um of/);
    assert.deepEqual((await collectNotices(() => cut())).notices, []);
  }));

Deno.test("the models of images of known pixel size say the one that these were brought to", () =>
  withFolder(async (root) => {
    const dataset = await opened(`${root}/data`, "0.5", "0.62");
    const workspace = await openWorkspace({ data: `${root}/data`, out: `${root}/out` });
    assert.equal(trainOptions(workspace, glas, dataset).pixelSize, 1.24);
    const free = chooseProfile("glas", { pixelSize: null });
    assert.equal(trainOptions(workspace, free, dataset).pixelSize, undefined);
  }));

Deno.test("images with and without a known pixel size are refused by name before any is cut", () =>
  withFolder(async (root) => {
    const dataset = await opened(`${root}/data`, "0.5", "");
    const workspace = await openWorkspace({ data: `${root}/data`, out: `${root}/out` });
    const message = /1 of 2 annotated training images is not known \(bb\): .* pixel_size_um of/;
    assert.throws(() => trainOptions(workspace, glas, dataset), message);
    const cut = (pixelSize?: number) =>
      preparePatches(dataset.train, {
        ...{ window: [16, 16], step: [16, 16], mode: "valid", pixelSize },
        ...{ outDir: `${root}/work`, csvPath: `${root}/work/train_data.csv` },
      });
    await assert.rejects(cut(1), message);
    assert.ok(!await exists(`${root}/work`));
    await cut();
    assert.equal(trainedPixelSize(dataset.train, {}), null);
    // An image without annotation is not trained on, whatever is known of it.
    const annotated = dataset.train.filter(({ id }) => id !== "bb");
    assert.equal(trainedPixelSize(annotated, { pixelSize: 1 }), 1);
  }));
