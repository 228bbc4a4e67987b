import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { findCrypts } from "../../lib/crypts/find.ts";
import { smallestCrypt } from "../../lib/crypts/smallest.ts";
import type { ImageRecord } from "../../lib/dataset/dataset.ts";
import { resizeMap } from "../../lib/image/resize_map.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { readLabels } from "../../lib/image/labels.ts";
import { probeImage } from "../../lib/image/probe.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { readTiffDirectories } from "../../lib/image/tiff.ts";
import { clearResolution } from "../../lib/image/tiff_resolution.ts";
import { writeLabelFile } from "../../lib/inference/label_file.ts";
import { SlideWriter } from "../../lib/image/slide_writer.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { predictDataset } from "../../lib/inference/dataset.ts";
import { isGlass } from "../../lib/inference/glass.ts";
import { writeOverlay } from "../../lib/inference/overlay_file.ts";
import { openImage } from "../../lib/inference/open_image.ts";
import { classesOf, type SegmentedBand, segmentImage } from "../../lib/inference/pipeline.ts";
import { predictImage, predictMaps } from "../../lib/inference/predict.ts";
import { chooseScale } from "../../lib/inference/scale.ts";
import { segmentFile } from "../../lib/inference/segment.ts";
import { checkSettings, cryptOptions, type SegmentSettings } from "../../lib/inference/settings.ts";
import { normalizeStain } from "../../lib/stain/macenko.ts";
import { createRandom } from "../../lib/base/random.ts";
import { fakePredictor } from "../support/predictors.ts";
import { withFolder } from "../support/temporary.ts";

/** Stained-looking noise: haematoxylin and eosin in random shares, so that Macenko finds both. */
function tissue(height: number, width: number, seed = 1): RgbImage {
  const random = createRandom(seed), data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i += 3) {
    const h = random.next() * 1.5, e = random.next() * 1.2;
    [0.65, 0.7, 0.29].forEach((own, c) => {
      data[i + c] = 240 * Math.exp(-h * own - e * [0.07, 0.99, 0.11][c]);
    });
  }
  return { data, height, width };
}

const settings: SegmentSettings = { tile: 32, mode: "sliding" };

Deno.test("notebook, data set and file give the same mask, with scale and stain normalization alike", async () => {
  await withFolder(async (folder) => {
    const image = tissue(70, 90), path = join(folder, "a.png"), outDir = join(folder, "out");
    await writeRgb(path, image);
    const record: ImageRecord = {
      ...{
        id: "a",
        split: "test",
        imagePath: path,
        maskPath: join(folder, "none.tiff"),
        rle: null,
      },
      ...{
        annotated: false,
        donor: null,
        grade: null,
        pixelSize: 0.5,
        polygonsPath: null,
        width: 90,
        height: 70,
      },
    };
    for (const normalized of [false, true]) {
      const model = () => fakePredictor((r, _g, b) => (r + b) / 510);
      const more = { scale: 0.5, normalizeStain: normalized, tta: "flips" as const };
      const small = await readRgb(path, { scale: 0.5 });
      const seen = normalized ? normalizeStain(small) : small;
      const inMemory = await predictImage(seen, [model()], { ...settings, tta: "flips" });
      const expected = resizeMap(inMemory, 35, 45, 70, 90);
      for await (const p of predictDataset([record], [model()], { ...settings, ...more })) {
        assert.deepEqual(p.probability, expected, `normalized: ${normalized}`);
      }
      const file = { id: "a", path };
      await segmentFile(file, [model()], { ...settings, ...more, outDir });
      const written = (await readMask(join(outDir, "masks/a.tiff"))).data;
      assert.deepEqual(written, Uint8Array.from(expected, (p) => p > 0.5 ? 1 : 0));
    }
  });
});

Deno.test("a boundary model's two channels go through ensemble, views, blending and resizing, each for itself", async () => {
  const image = tissue(61, 50, 3);
  const crypt = (r: number, _g: number, _b: number, y: number, x: number) =>
    r / 510 + (y + x) / 200;
  const edge = (_r: number, g: number, _b: number, y: number, x: number) =>
    g / 900 + (2 * y + x) / 900;
  const both = () => fakePredictor(crypt, { boundary: edge });
  const other = () => fakePredictor(edge, { boundary: crypt });
  const options = { ...settings, tile: 16, overlap: 0.5, tta: "d4" as const };
  const maps = await predictMaps(image, [both(), other()], options);
  // The reference: the same network twice, with one channel each.
  const alone = (a: typeof crypt, b: typeof crypt) =>
    predictImage(image, [fakePredictor(a), fakePredictor(b)], options);
  const [first, second] = [await alone(crypt, edge), await alone(edge, crypt)];
  assert.deepEqual(maps.probability, first);
  assert.deepEqual(maps.boundary, second);
  const largest = { ...options, combine: "max" as const };
  const most = await predictMaps(image, [both(), other()], largest);
  assert.deepEqual(
    most.boundary,
    await predictImage(image, [fakePredictor(edge), fakePredictor(crypt)], largest),
  );

  const bands: SegmentedBand[] = [];
  const opened = await openImage(image, { scale: 0.5 });
  await segmentImage(opened, [both()], options, { onBand: (band) => void bands.push(band) });
  const seen = await opened.source.read(0, 0, opened.source.height, opened.source.width);
  const small = await predictMaps(seen, [both()], options);
  const sides = [opened.source.height, opened.source.width, 61, 50] as const;
  const boundary = resizeMap(small.boundary!, ...sides);
  const probability = resizeMap(small.probability, ...sides);
  assert.deepEqual(Float32Array.from(bands.flatMap((b) => [...b.boundary!])), boundary);
  const classes = Uint8Array.from(bands.flatMap((b) => [...b.classes]));
  assert.deepEqual(classes, classesOf(probability, boundary, 0.5));
  assert.deepEqual(bands.map((b) => b.top)[0], 0);
});

Deno.test("classes: background at the threshold, boundary where it is likelier than the interior", () => {
  const probability = Float32Array.of(0.5, 0.51, 0.9, 0.9, 0.9, 0);
  const boundary = Float32Array.of(0.5, 0.1, 0.45, 0.46, 0.2, 0);
  assert.deepEqual([...classesOf(probability, boundary)], [0, 1, 1, 2, 1, 0], "a tie is interior");
  assert.deepEqual([...classesOf(probability, null)], [0, 1, 1, 1, 1, 0]);
  assert.deepEqual([...classesOf(probability, null, 0.85)], [0, 0, 1, 1, 1, 0]);
});

Deno.test("touching crypts come apart by the boundary model, whatever the bands", async () => {
  // Two crypts of 30 x 20 px that share a border at column 30: red inside, green near the border.
  const image = { data: new Uint8Array(60 * 60 * 3).fill(230), height: 60, width: 60 };
  for (let y = 20; y < 40; y++) {
    for (let x = 0; x < 60; x++) {
      const depth = Math.min(x % 30, 29 - x % 30, y - 20, 39 - y);
      image.data.set(depth < 4 ? [10, 200, 10] : [200, 10, 10], (y * 60 + x) * 3);
    }
  }
  const inside = (r: number, g: number, b: number) => b > 100 ? 0 : r > g ? 0.9 : 0.8;
  const border = (r: number, g: number, b: number) => b > 100 ? 0 : r > g ? 0.1 : 0.7;
  const crypts = { minArea: 10 };
  const options = { ...settings, tile: 16, crypts };
  const opened = await openImage(image);
  const two = await segmentImage(opened, [fakePredictor(inside, { boundary: border })], options);
  assert.deepEqual([...two.crypts()].map((c) => [c.left, c.width, c.area]), [[0, 30, 600], [
    30,
    30,
    600,
  ]]);
  const one = await segmentImage(opened, [fakePredictor(inside)], options);
  assert.deepEqual([...one.crypts()].map((c) => c.area), [1200], "without a boundary they are one");
  assert.equal(two.cryptPixels, 1200);
  assert.equal(two.mask().data.reduce((a, b) => a + b), 1200);
});

Deno.test("windows of glass are not predicted, the others as before; one dark pixel is tissue", async () => {
  const image = { data: new Uint8Array(64 * 96 * 3).fill(240), height: 64, width: 96 };
  image.data.set(tissue(1, 10, 2).data, (40 * 96 + 3) * 3);
  const model = fakePredictor((r) => 1 - r / 255), all = fakePredictor((r) => 1 - r / 255);
  const options = { ...settings, overlap: 0 };
  let heard: number[] = [];
  const found = await segmentImage(await openImage(image), [model], {
    ...options,
    onTile: (...done) => heard = done,
  });
  assert.deepEqual([found.windows, found.glassWindows, model.tiles], [6, 5, 1]);
  assert.deepEqual(heard, [6, 6], "glass counts as done");
  const every = await predictImage(image, [all], { ...options, skipGlass: false });
  assert.equal(all.tiles, 6);
  const skipped = await predictImage(image, [fakePredictor((r) => 1 - r / 255)], options);
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 96; x++) {
      const p = skipped[y * 96 + x];
      assert.equal(p, y >= 32 && x < 32 ? every[y * 96 + x] : 0);
    }
  }
  const original = fakePredictor((r) => r / 255);
  await predictImage(image, [original], { tile: 32, mode: "original" });
  assert.equal(original.tiles, 6, "mode original asks the models everywhere, as the original");
  const band = { data: new Uint8Array(300).fill(215), height: 10, width: 10 };
  assert.ok(isGlass(band, 0, 10) && isGlass(band, 5, 10));
  band.data[3 * 57 + 1] = 214;
  assert.ok(!isGlass(band, 0, 10) && isGlass(band, 8, 10), "the dark pixel is in column 7");
});

Deno.test("a model that answers NaN or infinity is refused by name", async () => {
  for (const wrong of [NaN, Infinity, -Infinity]) {
    const model = fakePredictor((_r, _g, _b, y, x) => y === 3 && x === 5 ? wrong : 0.2, {
      name: "m7",
    });
    await assert.rejects(
      predictImage(tissue(32, 32), [fakePredictor(() => 0.5), model], settings),
      /model "m7" gives (NaN|-?Infinity) as a probability/,
    );
  }
});

Deno.test("the scale follows from the pixel sizes, is asked for, or is a guess that says so", async () => {
  assert.equal(chooseScale("a", 0.25, { modelPixelSize: 1 }).scale, 0.25);
  assert.equal(chooseScale("a", 1.5, { modelPixelSize: 1, modelScale: 0.5 }).scale, 1.5);
  assert.equal(chooseScale("a", 0.995, { modelPixelSize: 1 }).scale, 1, "nearly the same");
  const guess = chooseScale("a.png", null, { modelPixelSize: 1, modelScale: 0.5 });
  assert.deepEqual([guess.scale, guess.guessed], [0.5, true]);
  assert.match(guess.text, /a\.png: µm per pixel unknown, resized by 0\.5 as in training/);
  const same = chooseScale("a.png", null, { modelPixelSize: 1, modelScale: 1 });
  assert.match(same.text, /a\.png: µm per pixel unknown, not resized, as in training/);
  assert.equal(chooseScale("a", 0.25, { modelPixelSize: 1, scale: 0.7 }).scale, 0.7);
  assert.equal(chooseScale("a", 0.25, { modelScale: 0.5 }).guessed, false, "the model has no µm");
  assert.throws(
    () => chooseScale("a", 9, { modelPixelSize: 1 }),
    /a has 9 µm per pixel.*trained at 1/,
  );
  assert.throws(() => chooseScale("a", 1, { scale: 0 }), /scale must be in \[0\.01, 4\], got 0/);
  const image = tissue(40, 60);
  const larger = await openImage(image, { pixelSize: 2, modelPixelSize: 1 });
  assert.deepEqual([larger.source.height, larger.source.width], [80, 120]);
  const found = await segmentImage(larger, [fakePredictor(() => 0.7)], settings);
  assert.equal(found.cryptPixels, 2400, "results have the size of the image");
});

Deno.test("the smallest crypt is 200 µm² where the pixel size is known, 500 pixels otherwise", () => {
  assert.deepEqual([smallestCrypt(0.5), smallestCrypt(1), smallestCrypt(null)], [800, 200, 500]);
  assert.equal(cryptOptions({}, 0.5).minArea, 800);
  assert.equal(cryptOptions({ minAreaUm2: 100 }, 0.5).minArea, 400);
  assert.equal(cryptOptions({ minArea: 7, split: true }, 0.5).minArea, 7, "pixels go first");
  assert.throws(() => smallestCrypt(0), /pixelSize must be > 0 µm, got 0/);
  assert.throws(
    () => smallestCrypt(1, NaN),
    /smallest crypt must be a number of µm² >= 0, got NaN/,
  );
});

Deno.test("settings out of range are refused before an image is read", async () => {
  const wrong: [Partial<SegmentSettings>, RegExp][] = [
    [{ overlap: 1 }, /overlap must be in \[0, 1\), got 1/],
    [{ overlap: NaN }, /overlap must be in \[0, 1\), got NaN/],
    [{ threshold: 9 }, /threshold must be in \[0, 1\], got 9/],
    [{ threshold: NaN }, /threshold must be in \[0, 1\], got NaN/],
    [{ sigma: 0 }, /sigma must be > 0/],
    [{ batchSize: 1.5 }, /batchSize must be a positive integer, got 1\.5/],
    [{ tile: 0 }, /tile must be a positive integer, got 0/],
    [{ crypts: { minArea: -1 } }, /minArea must be a number >= 0, got -1/],
    [{ crypts: { minAreaUm2: NaN } }, /minAreaUm2 must be a number >= 0, got NaN/],
    [{ crypts: { split: 2 } }, /split must be true, false or a neck in \[0, 1\], got 2/],
    [{ crypts: { markers: { mergeGap: -2 } } }, /mergeGap must be a number >= 0, got -2/],
  ];
  for (const [change, message] of wrong) {
    assert.throws(() => checkSettings({ ...settings, ...change }), message);
    const spy = {
      name: "x",
      height: 9,
      width: 9,
      pixelSize: null,
      scale: 1,
      sizing: "",
      guessed: false,
      concerns: [],
    };
    const source = { height: 9, width: 9, read: () => Promise.reject(new Error("was read")) };
    await assert.rejects(
      segmentImage({ ...spy, source }, [fakePredictor(() => 0)], { ...settings, ...change }),
      message,
    );
  }
  assert.throws(
    () => checkSettings({ ...settings, mode: JSON.parse('"round"') }),
    /mode must be one of/,
  );
});

Deno.test("a map is a tiled pyramid with its resolution, in memory and through a file alike", async () => {
  await withFolder(async (folder) => {
    const random = createRandom(4), height = 700, width = 1100;
    const data = Uint8Array.from({ length: height * width }, () => random.int(2) * 255);
    for (const inMemory of [1e9, 0]) {
      const path = join(folder, `${inMemory}.tiff`);
      const slide = await SlideWriter.create(path, { height, width, pixelSize: 0.25, inMemory });
      for (let y = 0; y < height; y += 90) {
        await slide.push(data.subarray(y * width, Math.min(height, y + 90) * width));
      }
      await slide.finish();
      const meta = await sharp(path).metadata();
      assert.deepEqual(
        [meta.pages, meta.resolutionUnit, meta.channels],
        [3, "cm", 1],
        "700, 350, 175",
      );
      assert.ok(Math.abs((await probeImage(path)).pixelSize! - 0.25) < 1e-6);
      const back = await sharp(path).toColourspace("b-w").raw().toBuffer();
      assert.deepEqual(new Uint8Array(back), data);
    }
    // What sharp writes unasked, 10 pixels per cm, is no resolution that anybody knows.
    for (const inMemory of [1e9, 0]) {
      const path = join(folder, `${inMemory}.tiff`);
      const slide = await SlideWriter.create(path, { height, width, pixelSize: null, inMemory });
      await slide.push(data);
      await slide.finish();
      const directories = (await readTiffDirectories(path))!;
      assert.deepEqual(
        directories.map((d) => [d.resolutionUnit, d.xResolution, d.yResolution]),
        Array(3).fill([1, 1, 1]),
      );
      assert.equal((await probeImage(path)).pixelSize, null);
      const back = await sharp(path).toColourspace("b-w").raw().toBuffer();
      assert.deepEqual(new Uint8Array(back), data);
    }
    const big = join(folder, "1000000000.tiff");
    await sharp(data, { raw: { height, width, channels: 1 } }).toColourspace("b-w")
      .tiff({ tile: true, pyramid: true, bigtiff: true }).toFile(big);
    await clearResolution(big);
    for (const { resolutionUnit, xResolution } of (await readTiffDirectories(big))!) {
      assert.deepEqual([resolutionUnit, xResolution], [1, 1]);
    }
    const labels = join(folder, "0.tiff");
    await writeLabelFile(labels, [], { height, width, pixelSize: null });
    assert.equal((await readTiffDirectories(labels))![0].xResolution, null);
    assert.equal([...Deno.readDirSync(folder)].length, 2, "nothing waits any more");
    const short = await SlideWriter.create(join(folder, "s.tiff"), {
      height: 3,
      width: 2,
      pixelSize: null,
    });
    await short.push(new Uint8Array(4));
    await assert.rejects(short.push(new Uint8Array(4)), /at most 1 more, got 4 bytes/);
    await assert.rejects(short.finish(), /s\.tiff needs 3 rows, got 2/);
  });
});

Deno.test("labels, picture and scores come from the crypts in memory", async () => {
  await withFolder(async (folder) => {
    const image = { data: new Uint8Array(120 * 150 * 3).fill(235), height: 120, width: 150 };
    const disc = (cx: number, cy: number, r: number, draw: (i: number) => void) => {
      for (let i = 0; i < 120 * 150; i++) {
        if ((i % 150 - cx) ** 2 + (Math.floor(i / 150) - cy) ** 2 <= r * r) draw(i);
      }
    };
    const truth = new Uint8Array(120 * 150);
    disc(40, 50, 25, (i) => image.data.set([200, 20, 20], 3 * i));
    disc(110, 70, 25, (i) => image.data.set([200, 20, 20], 3 * i));
    disc(40, 50, 25, (i) => truth[i] = 5);
    disc(110, 75, 25, (i) => truth[i] = 9);
    const path = join(folder, "a.png"), labels = join(folder, "truth.tiff");
    await writeRgb(path, image);
    await sharp(truth, { raw: { height: 120, width: 150, channels: 1 } }).toColourspace("b-w")
      .tiff({ compression: "lzw" }).toFile(labels);
    const model = fakePredictor((r, g) => r > g + 50 ? 0.9 : 0.1);
    const result = await segmentFile({ id: "a", path, truth: labels, pixelSize: 0.5 }, [model], {
      ...settings,
      ...{ outDir: folder, labels: true, overlay: true, crypts: { minArea: 50 } },
    });
    assert.equal(result.scores!.f1, 1);
    assert.equal(result.scores!.crypts, 2, "the truth's labels are its crypts");
    assert.ok(result.scores!.dice > 0.9 && result.scores!.dice < 1);
    const written = await readLabels(join(folder, "labels/a.tiff"));
    assert.deepEqual([...new Set(written.data)].sort(), [0, 1, 2]);
    assert.equal(written.data[50 * 150 + 40], 1);
    assert.equal(written.data[70 * 150 + 110], 2);
    assert.ok(Math.abs((await probeImage(join(folder, "labels/a.tiff"))).pixelSize! - 0.5) < 1e-6);
    const picture = await readRgb(join(folder, "overlays/a.jpg"));
    assert.deepEqual([picture.height, picture.width], [120, 150]);
    const pixel = (
      x: number,
      y: number,
    ) => [...picture.data.subarray((y * 150 + x) * 3, (y * 150 + x) * 3 + 3)];
    const [r, , b] = pixel(110, 45);
    assert.ok(b > r + 60, `the prediction's outline is blue, got ${pixel(110, 45)}`);
    assert.ok(result.files.includes("labels/a.tiff") && result.files.includes("overlays/a.jpg"));
  });
});

Deno.test("an overlay has the crypts' outlines, and none along the image's border", async () => {
  await withFolder(async (folder) => {
    const height = 120, width = 160, data = new Uint8Array(height * width);
    for (let y = 30; y < 90; y++) data.fill(1, y * width, y * width + 60);
    const grey = { data: new Uint8Array(height * width * 3).fill(200), height, width };
    await writeRgb(join(folder, "a.png"), grey);
    const crypts = findCrypts({ data, height, width });
    await writeOverlay(join(folder, "a.jpg"), join(folder, "a.png"), grey, crypts, null);
    const drawn = await readRgb(join(folder, "a.jpg"));
    const blue = (x: number, y: number) => {
      const [r, , b] = drawn.data.subarray((y * width + x) * 3);
      return b - r;
    };
    assert.ok(blue(60, 60) > 80 && blue(30, 30) > 80, "right edge and top edge");
    assert.ok(blue(0, 60) < 30, "the left edge is the image's");
  });
});

Deno.test("a greater margin of the interior makes boundary of what is less surely inside", () => {
  const probability = Float32Array.of(0.2, 0.9, 0.9, 0.9, 0.9);
  const boundary = Float32Array.of(0.1, 0, 0.2, 0.3, 0.6);
  assert.deepEqual([...classesOf(probability, boundary)], [0, 1, 1, 1, 2]);
  assert.deepEqual([...classesOf(probability, boundary, 0.5, 0.4)], [0, 1, 1, 2, 2]);
  assert.deepEqual([...classesOf(probability, boundary, 0.5, 0.6)], [0, 1, 2, 2, 2]);
  assert.deepEqual([...classesOf(probability, null, 0.5, 0.6)], [0, 1, 1, 1, 1]);
  assert.throws(
    () => checkSettings({ tile: 64, mode: "sliding", interior: 1 }),
    /interior must be in \[0, 1\), got 1/,
  );
});
