import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/base/files.ts";
import { collectNotices } from "../../lib/base/notices.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { listBatch } from "../../lib/inference/batch_list.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { writeSmallModel } from "../support/small_model.ts";
import { quietInfer } from "../support/quiet_infer.ts";
import { withFolder } from "../support/temporary.ts";
import { blockMask, noiseImage } from "../support/tiny_dataset.ts";

Deno.test("an image is a folder of one; a format that is not read is named", () =>
  withFolder(async (root) => {
    const model = join(root, "m.safetensors");
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    await writeRgb(join(root, "y.png"), noiseImage(32, 32));
    const one = await quietInfer("--images", join(root, "y.png"), "--models", model);
    assert.equal(one.code, 0, one.text);
    assert.ok(await exists(join(root, "y_crypts", "masks", "y.tiff")));
    await Deno.writeTextFile(join(root, "z.bmp"), "");
    const other = await quietInfer("--images", join(root, "z.bmp"), "--models", model);
    assert.equal(other.code, 2);
    assert.match(other.text, /z\.bmp is of a format that is not read: convert it to TIFF or PNG/);

    for (const name of ["a.gif", "b.webp", "c.BMP"]) await Deno.writeTextFile(join(root, name), "");
    const { result, notices } = await collectNotices(() => listBatch(root));
    assert.deepEqual(result.map(({ id }) => id), ["y"]);
    assert.equal(notices.length, 1);
    assert.match(notices[0], /left out, 4 \(a\.gif, b\.webp, c\.BMP, …\): convert them to TIFF/);
  }));

Deno.test("an image whose name cannot name results fails alone", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), model = join(root, "m.safetensors");
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32] });
    const names = ["good.png", "a<b>.png", "a?b?.png", "new\nline.png", "nul.png"];
    for (const name of names) await writeRgb(join(images, name), noiseImage(32, 32));
    const base = ["--images", images, "--models", model];
    for (const more of [[], ["--workers", "2"]]) {
      const { code, text } = await quietInfer(...base, ...more);
      assert.equal(code, 1, text);
      assert.match(text, /1 of 5 images done/);
      assert.equal(text.match(/^failed: image_\S+: .*: rename it$/gm)?.length, 4, text);
      assert.match(text, /the id "a<b>" cannot name files: it holds one of .*: rename it/);
      assert.match(text, /the id "new\\nline" cannot name files: it holds a control character/);
    }
    const rows = readTextRows(join(root, "images_crypts", "summary.csv"), ["img", "status"]);
    assert.deepEqual(
      rows.filter(({ status }) => status === "done").map(({ img }) => img),
      ["good"],
    );
    assert.equal(new Set(rows.map(({ img }) => img)).size, 5, "every one has a name of its own");
  }));

Deno.test("masks of some images: those without are named; tables of no result are not made", () =>
  withFolder(async (root) => {
    const images = join(root, "images"), masks = join(root, "masks"), out = join(root, "out");
    const model = join(root, "m.safetensors");
    await writeSmallModel(model, { scale: 1, patchSize: [32, 32], pixelSize: 1 });
    for (const id of ["a", "b", "c"]) await writeRgb(join(images, `${id}.png`), noiseImage(32, 32));
    for (const id of ["a", "c"]) await writeMask(join(masks, `${id}.tiff`), blockMask(32, 32));
    const collect = ["--images", images, "--out", out, "--collect"];
    const none = await quietInfer(...collect);
    assert.equal(none.code, 1);
    assert.match(none.text, /^0 of 3 images have a result\n3 images without a result yet/);
    assert.equal(await exists(join(out, "summary.csv")), false);

    const run = await quietInfer(
      ...["--images", images, "--masks", masks, "--models", model, "--out", out],
    );
    assert.equal(run.code, 0, run.text);
    const said = /^scores\.csv and its average are of 2 of 3 images: no mask for b$/m;
    assert.match(run.text, said);
    assert.match(run.text, /^look at a, b, c: .*the µm per pixel are unknown: not resized/m);
    assert.doesNotMatch(run.text, /resized by 1\b/);
    const tables = await quietInfer(...collect);
    assert.equal(tables.code, 0);
    assert.match(tables.text, said);
    assert.match(tables.text, /^3 of 3 images have a result$/m);

    await Deno.remove(join(out, "state", "a.json"));
    await Deno.remove(join(out, "state", "b.json"));
    await Deno.remove(join(out, "state", "c.json"));
    assert.equal((await quietInfer(...collect)).code, 1);
    assert.equal(await exists(join(out, "summary.csv")), false, "no table of what is no more");
  }));
