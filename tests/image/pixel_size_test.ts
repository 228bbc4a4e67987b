import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { nonSquare, pixelSizesOf } from "../../lib/image/pixel_size.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { openDataset } from "../../lib/dataset/dataset.ts";
import { collectNotices } from "../../lib/base/notices.ts";
import { openImage } from "../../lib/inference/open_image.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { withFolder } from "../support/temporary.ts";
import { noiseImage, writeTinyDataset } from "../support/tiny_dataset.ts";

const NOTHING = { description: null, xResolution: null, yResolution: null, resolutionUnit: 2 };

Deno.test("pixel sizes across and down, as each program states them", () => {
  const ome = (text: string) => pixelSizesOf({ ...NOTHING, description: `<Pixels ${text}/>` });
  assert.deepEqual(ome('PhysicalSizeX="0.5" PhysicalSizeY="0.25"'), { x: 0.5, y: 0.25 });
  assert.deepEqual(ome('PhysicalSizeX="0.5"'), { x: 0.5, y: 0.5 });
  const units = 'PhysicalSizeX="500" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5"';
  assert.deepEqual(ome(units), { x: 0.5, y: 0.5 }, "a unit is of its own direction");
  const perCm = { ...NOTHING, xResolution: 20000, yResolution: 40000, resolutionUnit: 3 };
  const found = pixelSizesOf(perCm)!;
  assert.ok(Math.abs(found.x - 0.5) < 1e-9 && Math.abs(found.y - 0.25) < 1e-9);
  const imagej = {
    ...perCm,
    description: "ImageJ=1.53\nunit=micron\n",
    xResolution: 2,
    yResolution: 4,
  };
  assert.deepEqual(pixelSizesOf(imagej), { x: 0.5, y: 0.25 });
  assert.deepEqual(
    pixelSizesOf({ ...perCm, description: "Aperio |MPP = 0.2520" }),
    { x: 0.252, y: 0.252 },
    "a scanner's own value is of both",
  );
  const fax = { ...NOTHING, xResolution: 204, yResolution: 98 };
  assert.equal(pixelSizesOf(fax), null, "no microscope's");
  assert.equal(nonSquare({ x: 0.2522, y: 0.2528 }), null, "rounded");
  assert.equal(nonSquare({ x: 0.5, y: 0.25 }), "0.5 x 0.25 µm (width x height)");
});

/** An image file whose pixels are twice as wide as high: 0.5 x 0.25 µm. */
async function oblongFile(path: string): Promise<void> {
  const { data, height, width } = noiseImage(48, 64);
  const image = sharp(data, { raw: { height, width, channels: 3 } });
  // Pixels per mm.
  if (path.endsWith(".tiff")) return void await image.tiff({ xres: 2000, yres: 4000 }).toFile(path);
  const png = path.endsWith(".png");
  const bytes = await (png ? image.withMetadata({ density: 50800 }).png() : image.jpeg())
    .toBuffer();
  if (!png) {
    // The segment JFIF: per inch, across and down.
    const jfif = Uint8Array.of(255, 224, 0, 16, 74, 70, 73, 70, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0);
    const densities = new DataView(jfif.buffer);
    densities.setUint16(12, 25400);
    densities.setUint16(14, 50800);
    return await Deno.writeFile(
      path,
      Uint8Array.of(...bytes.subarray(0, 2), ...jfif, ...bytes.subarray(2)),
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = bytes.indexOf("pHYs") + 4;
  view.setUint32(at + 4, 2 * view.getUint32(at));
  view.setUint32(at + 9, crc32(bytes.subarray(at - 4, at + 9)));
  await Deno.writeFile(path, bytes);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

Deno.test("pixels that are no squares are refused by name in TIFF, PNG and JPEG, unless their size is said", () =>
  withFolder(async (root) => {
    for (const [name, x] of [["a.tiff", 0.5], ["a.png", 0.5], ["a.jpeg", 1]] as const) {
      const path = join(root, name);
      await oblongFile(path);
      const { pixelSizes } = await probeImage(path);
      assert.ok(Math.abs(pixelSizes!.x - x) < 1e-3, `${name}: ${pixelSizes!.x}`);
      assert.ok(Math.abs(pixelSizes!.y - x / 2) < 1e-3, `${name}: ${pixelSizes!.y}`);
      const message =
        /image .*a\.\w+ has pixels of \d\S* x 0\.\d+ µm \(width x height\), expected square/;
      await assert.rejects(openImage(path), { name: "RangeError", message });
      const { concerns, pixelSize } = await openImage(path, { pixelSize: 0.4 });
      assert.equal(pixelSize, 0.4);
      assert.match(
        concerns.join(),
        /the file states .* x .* per pixel, 0\.4 µm were given and are taken/,
      );
    }
    const data = join(root, "data");
    await writeTinyDataset(data);
    await oblongFile(join(data, "train", "bb.tiff"));
    await assert.rejects(
      openDataset(data),
      /train\/bb\.tiff has pixels of 0\.5 x 0\.25 µm .*pixel_size_um in colon-dataset_information\.csv/,
    );
    await writeRgb(join(data, "train", "bb.tiff"), noiseImage(48, 64));
    await oblongFile(join(data, "train", "a.tiff"));
    const { result, notices } = await collectNotices(() => openDataset(data));
    assert.equal(result.train[0].pixelSize, 0.5, "the table says it");
    assert.match(
      notices.join(),
      /a\.tiff says 0\.5 x 0\.25 µm .*per pixel, .* 0\.5: the table's value/,
    );
  }));
