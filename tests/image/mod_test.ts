import assert from "node:assert/strict";
import sharp from "sharp";
import { crop, cropMask, resizeMask } from "../../lib/image/pixels.ts";
import { encodePng, resizeRgb, writeMask, writeRgb } from "../../lib/image/write.ts";
import { imageSize, probeImage } from "../../lib/image/probe.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";
import { blockMask, noiseImage } from "../support/tiny_dataset.ts";

Deno.test("images survive TIFF and PNG unchanged, JPEG nearly", () =>
  withFolder(async (folder) => {
    const image = noiseImage(37, 53);
    for (const name of ["a.tiff", "b.TIF", "c.png"]) {
      await writeRgb(`${folder}/deep/${name}`, image);
      assert.deepEqual(await readRgb(`${folder}/deep/${name}`), image, name);
    }
    const smooth = { height: 16, width: 16, data: new Uint8Array(768).map((_, i) => 100 + i / 12) };
    await writeRgb(`${folder}/d.jpg`, smooth, { quality: 95 });
    const back = await readRgb(`${folder}/d.jpg`);
    assert.ok(back.data.every((v, i) => Math.abs(v - smooth.data[i]) <= 6));
    assert.deepEqual(await imageSize(`${folder}/deep/c.png`), { height: 37, width: 53 });
  }));

Deno.test("a rewritten file is read anew", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.tiff`;
    await writeRgb(path, noiseImage(8, 8, 1));
    await readRgb(path);
    await writeRgb(path, noiseImage(8, 8, 2));
    assert.deepEqual(await readRgb(path), noiseImage(8, 8, 2));
  }));

Deno.test("masks are written as 0/255 and read as 0/1", () =>
  withFolder(async (folder) => {
    const mask = blockMask(21, 34);
    for (const name of ["a.tiff", "b.png"]) {
      await writeMask(`${folder}/${name}`, mask);
      assert.equal((await probeImage(`${folder}/${name}`)).channels, 1);
      const data = await sharp(`${folder}/${name}`).toColourspace("b-w").raw().toBuffer();
      assert.deepEqual(new Uint8Array(data), mask.data.map((v) => v * 255));
      assert.deepEqual(await readMask(`${folder}/${name}`), mask);
    }
  }));

Deno.test("0/1 masks, and colour masks, mean the same as 0/255", () =>
  withFolder(async (folder) => {
    const mask = blockMask(12, 10), path = `${folder}/m.png`;
    const raw = { height: 12, width: 10 };
    await sharp(mask.data, { raw: { ...raw, channels: 1 } }).toColourspace("b-w").png().toFile(
      path,
    );
    assert.deepEqual(await readMask(path), mask);
    const blue = new Uint8Array(360).map((_, i) => i % 3 === 2 ? mask.data[(i - 2) / 3] * 9 : 0);
    await sharp(blue, { raw: { ...raw, channels: 3 } }).png().toFile(path);
    assert.deepEqual(await readMask(path), mask);
    const rgba = new Uint8Array(480).map((_, i) => i % 4 === 3 ? 255 : mask.data[i >> 2]);
    await sharp(rgba, { raw: { ...raw, channels: 4 } }).png().toFile(path);
    assert.deepEqual(await readMask(path), mask, "an opaque background is no crypt");
  }));

Deno.test("scaling halves both, the mask by nearest neighbour", () =>
  withFolder(async (folder) => {
    const gradient = {
      height: 20,
      width: 31,
      data: new Uint8Array(1860).map((_, i) => 40 + 4 * (Math.floor(i / 3) % 31)),
    };
    await writeRgb(`${folder}/i.png`, gradient);
    const half = await readRgb(`${folder}/i.png`, { scale: 0.5 });
    assert.deepEqual([half.height, half.width], [10, 16]);
    // in the middle of a ramp any symmetric filter keeps the ramp
    assert.ok(Math.abs(half.data[8 * 3] - (40 + 4 * (8.5 * 31 / 16 - 0.5))) <= 2);
    const mask = blockMask(20, 30);
    await writeMask(`${folder}/m.tiff`, mask);
    const small = await readMask(`${folder}/m.tiff`, { scale: 0.5 });
    assert.deepEqual([small.height, small.width], [10, 15]);
    assert.ok(small.data.every((v, i) =>
      v === mask.data[(2 * Math.floor(i / 15) + 1) * 30 + 2 * (i % 15) + 1]
    ));
    await assert.rejects(readRgb(`${folder}/i.png`, { scale: 2 }), /scale must be in \(0, 1\]/);
  }));

Deno.test("resizing a mask up and down again changes nothing", () => {
  const mask = blockMask(13, 17);
  assert.deepEqual(resizeMask(resizeMask(mask, 39, 51), 13, 17), mask);
  assert.equal(resizeMask(mask, 13, 17), mask);
});

Deno.test("resizing an image keeps flat colours", async () => {
  const flat = { height: 9, width: 7, data: new Uint8Array(189).fill(77) };
  const big = await resizeRgb(flat, 20, 15);
  assert.equal(big.data.length, 900);
  assert.ok(big.data.every((v) => v === 77));
  await assert.rejects(resizeRgb(flat, 0, 15), /positive integers, got 0 x 15/);
});

Deno.test("a crop is a copy of the window; one that leaves the image is refused", () => {
  const image = noiseImage(6, 5), mask = blockMask(6, 5);
  const part = crop(image, 2, 1, 3, 4);
  assert.deepEqual([...part.data.subarray(0, 12)], [...image.data.subarray(33, 45)]);
  assert.deepEqual(cropMask(mask, 5, 4, 1, 1).data[0], mask.data[29]);
  part.data.fill(0);
  assert.notEqual(image.data[33], 0);
  for (const [top, left, h, w] of [[4, 0, 3, 1], [0, 2, 1, 4], [-1, 0, 1, 1], [0.5, 0, 1, 1]]) {
    assert.throws(() => crop(image, top, left, h, w), /leaves the image of 6 x 5/);
  }
});

Deno.test("a PNG of an image or a mask decodes to it", async () => {
  const image = noiseImage(5, 6), mask = blockMask(5, 6);
  const decode = async (png: Uint8Array) => new Uint8Array(await sharp(png).raw().toBuffer());
  assert.deepEqual(await decode(await encodePng(image)), image.data);
  const grey = await decode(await encodePng(mask));
  assert.equal(
    grey.filter((_, i) => i % (grey.length / 30) === 0 && grey[i] === 255).length,
    mask.data.reduce((a, b) => a + b),
  );
});

Deno.test("the pixel size is read from a scanner's resolution, not from a default of 72 dpi", () =>
  withFolder(async (folder) => {
    const raw = { raw: { height: 4, width: 4, channels: 3 as const } };
    const data = noiseImage(4, 4).data;
    await sharp(data, raw).tiff({ xres: 2000, yres: 2000 }).toFile(`${folder}/scan.tiff`);
    const { pixelSize } = await probeImage(`${folder}/scan.tiff`);
    assert.ok(Math.abs(pixelSize! - 0.5) < 1e-3, `${pixelSize}`);
    await sharp(data, raw).withMetadata({ density: 72 }).tiff().toFile(`${folder}/plain.tiff`);
    assert.equal((await probeImage(`${folder}/plain.tiff`)).pixelSize, null);
  }));

Deno.test("formats and data that do not fit are refused before anything is written", () =>
  withFolder(async (folder) => {
    const image = noiseImage(4, 4);
    await assert.rejects(writeRgb(`${folder}/a.bmp`, image), /a\.bmp must end in \.tiff/);
    await assert.rejects(writeMask(`${folder}/a.jpg`, blockMask(4, 4)), /JPEG is lossy/);
    await assert.rejects(
      writeRgb(`${folder}/a.png`, { ...image, width: 5 }),
      /needs 60 bytes, got 48/,
    );
    assert.deepEqual(await filesBelow(folder), []);
  }));
