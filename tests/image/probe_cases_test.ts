import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { collectNotices } from "../../lib/base/notices.ts";
import { labelComponents } from "../../lib/image/components.ts";
import { readLabels } from "../../lib/image/labels.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { openRegions } from "../../lib/image/regions.ts";
import { casePath, cases } from "../support/cases.ts";

const RGB = new Uint8Array(gunzipSync(Deno.readFileSync(casePath("rgb.bin.gz"))));
const GREY = RGB.map((_, i) => RGB[i - i % 3]);

for (const { file, why, refused, grey, same, pixelSize, notice } of cases("image")) {
  const path = casePath(file);
  if (refused !== undefined) {
    Deno.test(`${file}: ${why} is refused by name, in every reader`, async () => {
      const sentence = new RegExp(`${file}.*${refused}`);
      await assert.rejects(readRgb(path), sentence);
      await assert.rejects(
        openRegions(path).then((r) => r.read(0, 0, r.height, r.width)),
        sentence,
      );
    });
    continue;
  }
  Deno.test(`${file}: ${why} gives the samples that were written, in every reader`, async () => {
    const { result, notices } = await collectNotices(() => readRgb(path));
    const expected = same !== undefined
      ? await readRgb(casePath(same))
      : { data: grey ? GREY : RGB, height: 40, width: 56 };
    assert.deepEqual(result, expected);
    const regions = await openRegions(path);
    assert.deepEqual(await regions.read(0, 0, 40, 56), expected);
    assert.deepEqual(
      (await regions.read(7, 9, 3, 5)).data.subarray(0, 15),
      expected.data.subarray((7 * 56 + 9) * 3).subarray(0, 15),
    );
    assert.ok(notice === undefined ? notices.length === 0 : notices.join().includes(notice));
    if (pixelSize === undefined) return;
    const found = (await probeImage(path)).pixelSize;
    if (pixelSize === null) assert.equal(found, null);
    else assert.ok(Math.abs(found! / pixelSize - 1) < 1e-5, `${found}, expected ${pixelSize}`);
  });
}

for (const { file, why, refused, crypt, labels, near = 0, notice } of cases("mask")) {
  const path = casePath(file);
  if (refused !== undefined) {
    Deno.test(`${file}: ${why} is refused by name`, async () => {
      await assert.rejects(readMask(path), new RegExp(`${file}.*${refused}`));
      await assert.rejects(readLabels(path), new RegExp(`${file}.*${refused}`));
    });
    continue;
  }
  Deno.test(`${file}: ${why} has ${crypt} crypt pixels`, async () => {
    const { result: mask, notices } = await collectNotices(() => readMask(path));
    const found = mask.data.reduce((sum, v) => sum + v, 0);
    assert.ok(Math.abs(found - crypt!) <= near, `${found} pixels, expected ${crypt}`);
    assert.ok(
      notice === undefined ? notices.length === 0 : notices.join().includes(notice),
      notices.join(),
    );
    const { result } = await collectNotices(() => readLabels(path));
    assert.deepEqual(Uint8Array.from(result.data, (v) => v && 1), mask.data);
    if (labels !== undefined) assert.equal(new Set(result.data).size - 1, labels);
    // without labels, those of the components: the third region is in two pieces
    else if (near === 0) assert.deepEqual(result, labelComponents(mask));
  });
}
