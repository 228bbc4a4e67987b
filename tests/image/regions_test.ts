import assert from "node:assert/strict";
import sharp, { type TiffOptions } from "sharp";
import { crop, type RgbImage } from "../../lib/image/pixels.ts";
import { readRgb } from "../../lib/image/read.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { createRandom } from "../../lib/base/random.ts";
import { openRegions } from "../../lib/image/regions.ts";
import { readTiffDirectories } from "../../lib/image/tiff.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

const HEIGHT = 700, WIDTH = 900;

/** Blurred noise, so that pyramid levels are comparable. */
async function slide(): Promise<RgbImage> {
  const small = noiseImage(HEIGHT / 10, WIDTH / 10);
  const data = await sharp(small.data, {
    raw: { height: HEIGHT / 10, width: WIDTH / 10, channels: 3 },
  })
    .resize(WIDTH, HEIGHT, { fit: "fill", kernel: "cubic" }).raw().toBuffer();
  return { data: new Uint8Array(data), height: HEIGHT, width: WIDTH };
}

function tiff(image: RgbImage, path: string, options: TiffOptions) {
  return sharp(image.data, { raw: { height: image.height, width: image.width, channels: 3 } })
    .tiff({ compression: "deflate", tileWidth: 128, tileHeight: 128, ...options }).toFile(path);
}

const WINDOWS = [[0, 0, 128, 900], [300, 250, 200, 333], [699, 899, 1, 1], [120, 0, 580, 7]];

Deno.test("windows of tiled, pyramidal, big and striped TIFFs and PNGs are those of the image", () =>
  withFolder(async (folder) => {
    const image = await slide();
    await tiff(image, `${folder}/tiled.tif`, { tile: true });
    await tiff(image, `${folder}/big.tif`, { tile: true, bigtiff: true });
    await tiff(image, `${folder}/pyramid.tif`, { tile: true, pyramid: true });
    await Deno.writeFile(
      `${folder}/subifd.tif`,
      withSubIfds(await Deno.readFile(`${folder}/pyramid.tif`)),
    );
    await writeRgb(`${folder}/strips.tiff`, image);
    await writeRgb(`${folder}/image.png`, image);
    const names = ["tiled.tif", "big.tif", "pyramid.tif", "subifd.tif", "strips.tiff", "image.png"];
    for (const name of names) {
      const reader = await openRegions(`${folder}/${name}`);
      assert.deepEqual([reader.height, reader.width], [HEIGHT, WIDTH], name);
      for (const [top, left, h, w] of WINDOWS) {
        const expected = crop(image, top, left, h, w);
        assert.deepEqual(await reader.read(top, left, h, w), expected, `${name} at ${top}`);
      }
    }
  }));

Deno.test("the levels of a pyramid are found, in pages and in SubIFDs", () =>
  withFolder(async (folder) => {
    const image = await slide();
    const path = `${folder}/pyramid.tif`;
    await tiff(image, path, { tile: true, pyramid: true });
    for (const change of [(bytes: Uint8Array) => bytes, withSubIfds]) {
      await Deno.writeFile(path, change(await Deno.readFile(path)));
      const { levels } = await openRegions(path);
      assert.deepEqual(levels, [
        { height: 700, width: 900 },
        { height: 350, width: 450 },
        { height: 175, width: 225 },
        { height: 87, width: 112 },
      ]);
    }
  }));

Deno.test("scaled windows are those of the scaled image, with and without a level for it", () =>
  withFolder(async (folder) => {
    const image = await slide();
    await tiff(image, `${folder}/tiled.tif`, { tile: true });
    await tiff(image, `${folder}/pyramid.tif`, { tile: true, pyramid: true });
    await writeRgb(`${folder}/strips.tiff`, image);
    // [file, scale, largest and mean difference allowed]: levels are means of 2 x 2 pixels and not
    // Lanczos-filtered; where no whole number of pixels becomes one, windows are off by a fraction
    const cases: [string, number, number, number][] = [
      ["tiled.tif", 1 / 2, 1, 0.1],
      ["strips.tiff", 1 / 4, 1, 0.1],
      ["tiled.tif", 1 / 5, 1, 0.1],
      ["pyramid.tif", 1 / 4, 12, 1.5],
      ["strips.tiff", 0.3, 1, 0.1],
      ["tiled.tif", 0.3, 12, 1.5],
      ["pyramid.tif", 0.3, 12, 2.5],
    ];
    for (const [name, scale, most, mean] of cases) {
      const reader = await openRegions(`${folder}/${name}`, { scale });
      const whole = await readRgb(`${folder}/${name}`, { scale });
      assert.deepEqual([reader.height, reader.width], [whole.height, whole.width], name);
      for (const [top, left, h, w] of [[0, 0, 70, 90], [11, 23, 40, 50], [31, 0, 39, 90]]) {
        const part = await reader.read(top, left, h, w), expected = crop(whole, top, left, h, w);
        const off = Array.from(part.data, (v, i) => Math.abs(v - expected.data[i]));
        const where = `${name} x ${scale} at ${top}`;
        assert.ok(Math.max(...off) <= most, `${where}: off by ${Math.max(...off)}`);
        assert.ok(off.reduce((x, y) => x + y) / off.length <= mean, where);
      }
    }
  }));

Deno.test("windows that are scaled by a whole number have no seam between them", () =>
  withFolder(async (folder) => {
    await tiff(await slide(), `${folder}/a.tif`, { tile: true });
    for (const factor of [2, 3, 5, 7]) {
      const reader = await openRegions(`${folder}/a.tif`, { scale: 1 / factor });
      const one = await reader.read(10, 0, 40, 60);
      const [upper, lower] = [await reader.read(10, 0, 23, 60), await reader.read(33, 0, 17, 60)];
      const joined = Uint8Array.from([...upper.data, ...lower.data]);
      const worst = joined.reduce((m, v, i) => Math.max(m, Math.abs(v - one.data[i])), 0);
      assert.ok(worst <= 1, `1/${factor}: ${worst}`);
    }
  }));

Deno.test("a file without tiles is decoded band by band within the given memory", () =>
  withFolder(async (folder) => {
    const image = await slide(), path = `${folder}/strips.tiff`;
    await writeRgb(path, image);
    const reader = await openRegions(path, { cacheBytes: 100 * WIDTH * 3 });
    const random = createRandom(1);
    for (let i = 0; i < 20; i++) {
      const [top, left] = [random.int(HEIGHT - 64), random.int(WIDTH - 64)];
      assert.deepEqual(await reader.read(top, left, 64, 64), crop(image, top, left, 64, 64));
    }
    // more rows than the cache holds are read all the same
    assert.deepEqual(await reader.read(0, 0, 300, WIDTH), crop(image, 0, 0, 300, WIDTH));
  }));

/** A little-endian TIFF whose pages after the first become SubIFDs of the first, as in OME-TIFF. */
function withSubIfds(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength), offsets: number[] = [];
  const entries = (at: number) => view.getUint16(at, true);
  for (let at = view.getUint32(4, true); at !== 0;) {
    offsets.push(at);
    at = view.getUint32(at + 2 + 12 * entries(at), true);
  }
  const [first, ...others] = offsets, count = entries(first);
  const start = file.length + file.length % 2, listAt = start + 2 + 12 * (count + 1) + 4;
  const out = new Uint8Array(listAt + 4 * others.length), to = new DataView(out.buffer);
  out.set(file);
  to.setUint32(4, start, true);
  to.setUint16(start, count + 1, true);
  const tags = Array.from({ length: count }, (_, i) => first + 2 + 12 * i);
  const before = tags.filter((at) => view.getUint16(at, true) < 330);
  out.set(file.subarray(first + 2, first + 2 + 12 * before.length), start + 2);
  const at = start + 2 + 12 * before.length;
  to.setUint16(at, 330, true);
  to.setUint16(at + 2, 4, true);
  to.setUint32(at + 4, others.length, true);
  to.setUint32(at + 8, listAt, true);
  out.set(file.subarray(first + 2 + 12 * before.length, first + 2 + 12 * count), at + 12);
  others.forEach((offset, i) => to.setUint32(listAt + 4 * i, offset, true));
  return out;
}

/** An uncompressed RGB TIFF of one 16 x 16 tile or strip, of either byte order. */
function handmade(little: boolean, tiled: boolean, description: string): Uint8Array {
  const pixels = noiseImage(16, 16).data, text = new TextEncoder().encode(`${description}\0`);
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, 3, 1, 16],
    [257, 3, 1, 16],
    [258, 3, 3, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [270, 2, text.length, 0],
    [277, 3, 1, 3],
    ...(tiled
      ? [[322, 3, 1, 16], [323, 3, 1, 16], [324, 4, 1, 0], [325, 4, 1, pixels.length]]
      : [[273, 4, 1, 0], [278, 3, 1, 16], [279, 4, 1, pixels.length]]) as typeof entries,
  ];
  entries.sort((a, b) => a[0] - b[0]);
  const bitsAt = 8 + 2 + 12 * entries.length + 4, textAt = bitsAt + 6;
  const pixelsAt = textAt + text.length + text.length % 2;
  const file = new Uint8Array(pixelsAt + pixels.length), view = new DataView(file.buffer);
  view.setUint16(0, little ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  view.setUint16(8, entries.length, little);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 10 + 12 * i;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, type, little);
    view.setUint32(at + 4, count, little);
    if (tag === 258) view.setUint32(at + 8, bitsAt, little);
    else if (tag === 270) view.setUint32(at + 8, textAt, little);
    else if (tag === 324 || tag === 273) view.setUint32(at + 8, pixelsAt, little);
    else if (type === 3) view.setUint16(at + 8, value, little);
    else view.setUint32(at + 8, value, little);
  });
  [0, 2, 4].forEach((i) => view.setUint16(bitsAt + i, 8, little));
  file.set(text, textAt);
  file.set(pixels, pixelsAt);
  return file;
}

Deno.test("TIFFs of either byte order are understood, with Aperio's and OME's pixel size", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.tif`;
    const ome = '<OME><Pixels PhysicalSizeX="0.25" PhysicalSizeXUnit="µm"/></OME>';
    const nanometres = '<Pixels PhysicalSizeX="250" PhysicalSizeXUnit="nm"/>';
    const cases: [boolean, boolean, string, number | null][] = [
      [true, true, "Aperio Image |AppMag = 20|MPP = 0.4990", 0.499],
      [false, true, ome, 0.25],
      [false, false, nanometres, 0.25],
      [true, false, "no pixel size in this long description", null],
    ];
    for (const [little, tiled, description, pixelSize] of cases) {
      await Deno.writeFile(path, handmade(little, tiled, description));
      const [directory, ...more] = (await readTiffDirectories(path))!;
      assert.equal(more.length, 0);
      const found = { height: 16, width: 16, tiled, page: 0, subifd: -1, description, little };
      assert.deepEqual({ ...directory, ...found }, directory);
      const reader = await openRegions(path);
      assert.equal(reader.pixelSize, pixelSize);
      assert.deepEqual(await reader.read(3, 5, 4, 6), crop(noiseImage(16, 16), 3, 5, 4, 6));
    }
  }));

Deno.test("what is no TIFF has no directories, a damaged one is named", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.tif`;
    await Deno.writeTextFile(path, "II");
    assert.equal(await readTiffDirectories(path), null);
    await Deno.writeTextFile(path, "not a picture at all");
    assert.equal(await readTiffDirectories(path), null);
    const good = handmade(true, true, "x");
    await Deno.writeFile(path, good.subarray(0, 60));
    await assert.rejects(readTiffDirectories(path), /cannot read image .*a\.tif: it is cut off/);
    const loop = good.slice();
    new DataView(loop.buffer).setUint32(10 + 12 * 11, 8, true);
    await Deno.writeFile(path, loop);
    await assert.rejects(readTiffDirectories(path), /the directory at byte 8 follows itself/);
  }));

Deno.test("bad windows, scales and files are refused with the file's name", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.tif`;
    await tiff(await slide(), path, { tile: true });
    const reader = await openRegions(path);
    for (
      const [top, left, h, w] of [[-1, 0, 9, 9], [690, 0, 11, 9], [0, 0, 0, 9], [0.5, 0, 9, 9]]
    ) {
      await assert.rejects(reader.read(top, left, h, w), /leaves .*a\.tif of 700 x 900/);
    }
    await assert.rejects(openRegions(path, { scale: 1.5 }), /scale must be in \(0, 1\], got 1\.5/);
    await assert.rejects(openRegions(`${folder}/none.tif`), /no image file at .*none\.tif/);
    await sharp(new Uint8Array(64), { raw: { height: 8, width: 8, channels: 1 } })
      .toColourspace("b-w").tiff({ bitdepth: 1 }).toFile(`${folder}/bits.tif`);
    await assert.rejects(
      openRegions(`${folder}/bits.tif`),
      /bits\.tif must be an RGB image.*one bit/,
    );
    // the pixels at the end are gone, those at the beginning can still be read
    const bytes = await Deno.readFile(path);
    bytes.fill(0, bytes.length * 0.6);
    await Deno.writeFile(`${folder}/hole.tif`, bytes);
    const damaged = openRegions(`${folder}/hole.tif`).then((r) => r.read(600, 600, 100, 300));
    await assert.rejects(damaged, /hole\.tif/);
  }));
