import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { readLabels } from "../../lib/image/labels.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { openRegions } from "../../lib/image/regions.ts";
import { pngIndices } from "../../lib/image/png_indices.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

/** All readers refuse `path` with this sentence. */
async function refused(path: string, sentence: RegExp): Promise<void> {
  await assert.rejects(readRgb(path), sentence);
  await assert.rejects(readMask(path), sentence);
  await assert.rejects(openRegions(path).then((r) => r.read(0, 0, r.height, r.width)), sentence);
}

Deno.test("pipes, folders and empty files named like images are refused at once", () =>
  withFolder(async (folder) => {
    const pipe = `${folder}/pipe.tiff`;
    const { code } = await new Deno.Command("mkfifo", { args: [pipe] }).output();
    assert.equal(code, 0);
    await refused(pipe, /pipe\.tiff is a pipe, expected a file/);
    await Deno.mkdir(`${folder}/folder.png`);
    await refused(`${folder}/folder.png`, /folder\.png is a folder/);
    await Deno.writeFile(`${folder}/empty.jpg`, new Uint8Array());
    await refused(`${folder}/empty.jpg`, /empty\.jpg: the file is empty/);
    await refused(`${folder}/empty.jpg/a.png`, /no image file at/);
  }));

Deno.test("formats that are no pixels are refused by their name, whatever the extension", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(
      `${folder}/a.png`,
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    );
    await refused(`${folder}/a.png`, /a\.png is a svg file, expected TIFF, PNG or JPEG/);
    await sharp(noiseImage(8, 8).data, { raw: { height: 8, width: 8, channels: 3 } }).gif()
      .toFile(`${folder}/b.tiff`);
    await refused(`${folder}/b.tiff`, /b\.tiff is a gif file/);
  }));

Deno.test("a header that claims more pixels than its bytes can hold is refused before decoding", () =>
  withFolder(async (folder) => {
    const path = `${folder}/giant.png`;
    await Deno.writeFile(path, png(60000, 60000, 8, 2, deflateSync(new Uint8Array(1000))));
    await refused(path, /giant\.png claims 60000 x 60000 pixels, more than its \d+ bytes can hold/);
    await Deno.writeFile(path, png(60000, 60000, 8, 3, deflateSync(new Uint8Array(1000))));
    await refused(path, /giant\.png claims/);
    const tif = `${folder}/giant.tif`;
    const small = await sharp(noiseImage(16, 16).data, {
      raw: { height: 16, width: 16, channels: 3 },
    }).tiff({ compression: "deflate" }).toBuffer();
    await Deno.writeFile(tif, withSides(small, 1_000_000));
    await refused(tif, /giant\.tif/);
  }));

Deno.test("labels of two and four bits are read as they are stored, an interlaced palette is refused", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.png`;
    for (const bits of [2, 4]) {
      const rows = Uint8Array.from({ length: 10 }, (_, i) => i % 5 === 0 ? 0 : 0b00011011 + i);
      await Deno.writeFile(path, png(32 / bits, 2, bits, 0, deflateSync(rows)));
      const expected = [...rows].filter((_, i) => i % 5 !== 0).flatMap((byte) =>
        Array.from({ length: 8 / bits }, (_, k) => (byte >> (8 - bits * (k + 1))) & (1 << bits) - 1)
      );
      assert.deepEqual([...(await readLabels(path)).data], expected);
    }
    const palette = png(8, 8, 8, 3, deflateSync(new Uint8Array(72)));
    palette[28] = 1;
    await assert.rejects(pngIndices(palette), /an interlaced palette is not read/);
  }));

Deno.test("compressed data that expand beyond the image end there", async () => {
  const bomb = deflateSync(new Uint8Array(50_000_000));
  await assert.rejects(pngIndices(png(8, 8, 8, 3, bomb)), /larger than 72 bytes/);
});

Deno.test("palette indices are those that were filtered, with every filter and bit depth", async () => {
  for (const bits of [1, 2, 4, 8]) {
    const indices = Uint8Array.from(
      { length: 10 * 13 },
      (_, i) => (i * 7 + (i >> 3)) % (1 << bits),
    );
    const line = Math.ceil(13 * bits / 8), rows = new Uint8Array(10 * (line + 1));
    indices.forEach((v, i) => {
      const y = Math.floor(i / 13), bit = (i % 13) * bits;
      rows[y * (line + 1) + 1 + (bit >> 3)] |= v << (8 - bits - (bit & 7));
    });
    assert.deepEqual(
      await pngIndices(png(13, 10, bits, 3, deflateSync(filtered(rows, line)))),
      indices,
    );
  }
});

Deno.test("a file cut anywhere is refused, in every format and reader", () =>
  withFolder(async (folder) => {
    const image = noiseImage(64, 80);
    const raw = { raw: { height: 64, width: 80, channels: 3 as const } };
    const formats = {
      "lzw.tif": sharp(image.data, raw).tiff({ compression: "lzw" }),
      "none.tif": sharp(image.data, raw).tiff({ compression: "none" }),
      "jpeg.tif": sharp(image.data, raw).tiff({ compression: "jpeg", tile: true, tileWidth: 32 }),
      "tiles.tif": sharp(image.data, raw).tiff({ compression: "deflate", tile: true }),
      "a.png": sharp(image.data, raw).png(),
      "a.jpg": sharp(image.data, raw).jpeg(),
    };
    for (const [name, pipeline] of Object.entries(formats)) {
      const whole = await pipeline.toBuffer(), path = `${folder}/${name}`;
      for (const share of [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99]) {
        await Deno.writeFile(path, whole.subarray(0, Math.ceil(whole.length * share)));
        await refused(path, new RegExp(name));
      }
    }
  }));

Deno.test("a directory with a field of another type or a missing field is refused by name", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.tif`;
    const bytes = await sharp(noiseImage(16, 16).data, {
      raw: { height: 16, width: 16, channels: 3 },
    })
      .tiff({ compression: "none" }).toBuffer();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const directory = view.getUint32(4, true), entries = view.getUint16(directory, true);
    for (let e = 0; e < entries; e++) {
      const changed = new Uint8Array(bytes), at = directory + 2 + 12 * e;
      // a count that would need more memory than there is
      new DataView(changed.buffer).setUint32(at + 4, 0xffffffff, true);
      await Deno.writeFile(path, changed);
      await probeImage(path).then(
        (header) => assert.deepEqual([header.height, header.width], [16, 16]),
        (error) => assert.match(error.message, /a\.tif/),
      );
    }
  }));

/** A little-endian TIFF whose directory claims other sides. */
function withSides(file: Uint8Array, side: number): Uint8Array {
  const out = new Uint8Array(file),
    view = new DataView(out.buffer),
    directory = view.getUint32(4, true);
  for (let e = 0; e < view.getUint16(directory, true); e++) {
    const at = directory + 2 + 12 * e;
    if (![256, 257].includes(view.getUint16(at, true))) continue;
    view.setUint16(at + 2, 4, true);
    view.setUint32(at + 8, side, true);
  }
  return out;
}

/** A PNG of one IDAT chunk; of a palette it has 256 colours. */
function png(width: number, height: number, bits: number, colour: number, data: Uint8Array) {
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([bits, colour], 8);
  const chunks: [string, Uint8Array][] = [["IHDR", head]];
  if (colour === 3) chunks.push(["PLTE", new Uint8Array(3 << bits)]);
  chunks.push(["IDAT", data], ["IEND", new Uint8Array()]);
  const parts = [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)];
  for (const [type, body] of chunks) {
    const chunk = new Uint8Array(12 + body.length), out = new DataView(chunk.buffer);
    out.setUint32(0, body.length);
    chunk.set(new TextEncoder().encode(type), 4);
    chunk.set(body, 8);
    out.setUint32(8 + body.length, crcOf(chunk.subarray(4, 8 + body.length)));
    parts.push(chunk);
  }
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** zlib's CRC-32. */
function crcOf(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}

/** Rows with PNG's filters 0 to 4 in turn, by their definition. */
function filtered(rows: Uint8Array, line: number): Uint8Array {
  const out = rows.slice(),
    at = (y: number, x: number) => y < 0 || x < 0 ? 0 : rows[y * (line + 1) + 1 + x];
  for (let y = 0; y * (line + 1) < rows.length; y++) {
    const filter = y % 5;
    out[y * (line + 1)] = filter;
    for (let x = 0; x < line; x++) {
      const [a, b, c] = [at(y, x - 1), at(y - 1, x), at(y - 1, x - 1)];
      const nearest = [a, b, c].toSorted((u, v) =>
        Math.abs(a + b - c - u) - Math.abs(a + b - c - v)
      );
      const guess = [0, a, b, (a + b) >> 1, nearest[0]][filter];
      out[y * (line + 1) + 1 + x] = at(y, x) - guess;
    }
  }
  return out;
}
