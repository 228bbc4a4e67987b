import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { readTextRows } from "../../lib/tables/csv.ts";
import { exists } from "../../lib/base/files.ts";
import { readPolygons } from "../../lib/annotation/geojson.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import { openRegions } from "../../lib/image/regions.ts";
import { segmentFile } from "../../lib/inference/segment.ts";
import { TiffStream } from "../../lib/image/tiff_stream.ts";
import { type BatchOptions, runBatch } from "../../lib/inference/batch.ts";
import { listBatch } from "../../lib/inference/batch_list.ts";
import { readStates } from "../../lib/inference/batch_state.ts";
import { collectBatch } from "../../lib/inference/collect.ts";
import { createModel } from "../../lib/model/segmentation_model.ts";
import { saveWeights } from "../../lib/model/weights.ts";
import { polygonsToMask } from "../../lib/annotation/polygons.ts";
import { createRandom } from "../../lib/base/random.ts";
import { decodeRle } from "../../lib/annotation/rle.ts";
import { infer } from "../../scripts/infer.ts";
import { fakePredictor } from "../support/predictors.ts";
import { withFolder } from "../support/temporary.ts";

/** Smooth colours, so that scaled regions can be compared. */
function waves(height: number, width: number): RgbImage {
  const data = new Uint8Array(height * width * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[i++] = 127 + 120 * Math.sin(y / 17);
      data[i++] = 127 + 120 * Math.cos(x / 23);
      data[i++] = 127 + 120 * Math.sin((x + y) / 31);
    }
  }
  return { data, height, width };
}

/** Cyan ground with red discs; crypt is where red exceeds one half. */
function discs(height: number, width: number, ...list: [x: number, y: number, r: number][]) {
  const mask = new Uint8Array(height * width);
  for (let i = 0; i < mask.length; i++) {
    const y = Math.floor(i / width), x = i % width;
    if (list.some(([cx, cy, r]) => (x - cx) ** 2 + (y - cy) ** 2 <= r * r)) mask[i] = 1;
  }
  const data = new Uint8Array(mask.length * 3);
  mask.forEach((v, i) => data.set(v ? [230, 20, 20] : [20, 200, 200], 3 * i));
  return { image: { data, height, width }, mask: { data: mask, height, width } };
}

const red = () => fakePredictor((r) => r / 255);

Deno.test("a streamed TIFF is the image, whatever rows come at a time, and absent until it is whole", async () => {
  await withFolder(async (folder) => {
    const random = createRandom(1);
    for (
      const [channels, height, width, rows] of [[1, 70, 45, 9], [3, 33, 80, 33], [1, 64, 64, 1]]
    ) {
      const path = join(folder, "sub", `${channels}-${height}.tiff`);
      const data = Uint8Array.from({ length: height * width * channels }, () => random.int(256));
      const layout = { height, width, channels: channels as 1 | 3, tile: 32 };
      const stream = await TiffStream.create(path, layout);
      for (let y = 0; y < height; y += rows) {
        assert.equal(await exists(path), false);
        await stream.push(data.subarray(y * width * channels, (y + rows) * width * channels));
      }
      await stream.finish();
      const { data: back, info } = await sharp(path)
        .toColourspace(channels === 1 ? "b-w" : "srgb").raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.height, info.width, info.channels], [height, width, channels]);
      assert.deepEqual(new Uint8Array(back), data);
    }
    const path = join(folder, "short.tiff");
    const stream = await TiffStream.create(path, { height: 4, width: 4, channels: 1 });
    await stream.push(new Uint8Array(8));
    await assert.rejects(stream.push(new Uint8Array(12)), /at most 2 more, got 12 bytes/);
    await assert.rejects(stream.finish(), /short\.tiff needs 4 rows, got 2/);
    assert.deepEqual([...Deno.readDirSync(folder)].map((e) => e.name), ["sub"], "nothing is left");
    await assert.rejects(
      TiffStream.create(path, { height: 4, width: 4, channels: 1, tile: 30 }),
      /tile must be a positive multiple of 16, got 30/,
    );
  });
});

Deno.test("regions of a tiled, a stripped and a pyramidal TIFF are parts of the whole", async () => {
  await withFolder(async (folder) => {
    const image = waves(400, 520), raw = { raw: { height: 400, width: 520, channels: 3 as const } };
    const path = (name: string) => join(folder, `${name}.tiff`);
    const from = () => sharp(image.data, raw);
    await from().tiff({ compression: "deflate" }).toFile(path("strips"));
    await from().tiff({ tile: true, tileWidth: 64, tileHeight: 64, compression: "lzw" }).toFile(
      path("tiles"),
    );
    await from().tiff({
      tile: true,
      pyramid: true,
      tileWidth: 64,
      tileHeight: 64,
      compression: "lzw",
    })
      .toFile(path("pyramid"));
    for (const name of ["strips", "tiles", "pyramid"]) {
      const source = await openRegions(path(name));
      assert.deepEqual([source.height, source.width], [400, 520]);
      const part = await source.read(130, 70, 90, 300);
      for (let y = 0; y < 90; y++) {
        const start = ((130 + y) * 520 + 70) * 3;
        assert.deepEqual(
          part.data.subarray(y * 900, y * 900 + 900),
          image.data.subarray(start, start + 900),
        );
      }
    }
    const plain = await openRegions(path("tiles"), { scale: 0.5 });
    const pyramid = await openRegions(path("pyramid"), { scale: 0.5 });
    assert.deepEqual([plain.levelHeight, pyramid.levelHeight], [400, 200], "the level is read");
    const less = await openRegions(path("pyramid"), { scale: 0.4 });
    assert.deepEqual([less.levelHeight, less.height, less.fullHeight], [200, 160, 400]);
    for (const [source, scale] of [[plain, 0.5], [pyramid, 0.5], [less, 0.4]] as const) {
      const whole = await readRgb(path("tiles"), { scale });
      const part = await source.read(20, 30, 100, 150);
      let worst = 0;
      for (let y = 0; y < 100; y++) {
        for (let x = 0; x < 450; x++) {
          const expected = whole.data[((20 + y) * whole.width + 30) * 3 + x];
          worst = Math.max(worst, Math.abs(part.data[y * 450 + x] - expected));
        }
      }
      assert.ok(worst <= 6, `scale ${scale}: ${worst} of 255`);
    }
    await assert.rejects(openRegions(join(folder, "no.tiff")), /no image file at .*no\.tiff/);
    await sharp(new Uint8Array(64), { raw: { height: 8, width: 8, channels: 1 } })
      .toColourspace("b-w").tiff({ bitdepth: 1 }).toFile(join(folder, "bits.tiff"));
    await assert.rejects(openRegions(join(folder, "bits.tiff")), /bits\.tiff must be an RGB image/);
  });
});

Deno.test("one image gives mask, maps, crypts and GeoJSON that agree with each other", async () => {
  await withFolder(async (folder) => {
    const { image, mask } = discs(90, 120, [30, 30, 14], [80, 50, 20], [110, 80, 3]);
    await writeRgb(join(folder, "a.tiff"), image);
    const outDir = join(folder, "out");
    const result = await segmentFile(
      { id: "a", path: join(folder, "a.tiff"), pixelSize: 0.5 },
      [red(), fakePredictor((r, g) => r > g ? 1 : 0)],
      {
        ...{ tile: 32, mode: "sliding", outDir, tta: "flips", crypts: { minArea: 100 } },
        ...{ geojson: true, probability: true, uncertainty: true },
      },
    );
    assert.deepEqual((await readMask(join(outDir, "masks/a.tiff"))).data, mask.data);
    assert.deepEqual(decodeRle(result.pixels, 90, 120), mask.data);
    assert.equal(result.crypts, 2, "the third is below 100 pixels");
    assert.equal(result.perMm2, 2 / (90 * 120 * 0.25e-6));
    assert.equal(result.cryptShare, mask.data.reduce((a, b) => a + b) / mask.data.length);
    for (const file of result.files) assert.ok(await exists(join(outDir, file)), file);
    const rows = readTextRows(join(outDir, "crypts/a.csv"), [
      "crypt",
      "area_um2",
      "mean_probability",
    ]);
    assert.equal(rows.length, 2);
    // The mean of 230 / 255 and 1.
    assert.ok(Math.abs(Number(rows[0].mean_probability) - (230 / 255 + 1) / 2) < 1e-5);
    const polygons = await readPolygons(join(outDir, "geojson/a.geojson"));
    const drawn = polygonsToMask(polygons, 90, 120);
    const small = discs(90, 120, [110, 80, 3]).mask.data;
    assert.deepEqual(drawn, mask.data.map((v, i) => v & (1 - small[i])));
    const map = async (name: string) =>
      new Uint8Array(await sharp(join(outDir, name)).toColourspace("b-w").raw().toBuffer());
    const probability = await map("probability/a.tiff");
    assert.equal(probability[30 * 120 + 30], Math.round((230 / 255 + 1) / 2 * 255));
    const spread = await map("uncertainty/a_disagreement.tiff");
    assert.equal(
      spread[30 * 120 + 30],
      Math.round((1 - 230 / 255) / 2 * 510),
      "half the difference",
    );
    assert.ok(
      (await map("uncertainty/a_entropy.tiff")).every((v) => v < 128),
      "it is sure throughout",
    );
  });
});

Deno.test("a batch goes on past bad images, skips what is done, and does again what has changed", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "images"),
      truth = join(folder, "truth"),
      outDir = join(folder, "out");
    await Deno.mkdir(images);
    const good = discs(64, 80, [30, 30, 15]);
    const file = (name: string) => join(images, name);
    await writeRgb(file("a.tiff"), good.image);
    await writeRgb(file("h.png"), discs(20, 20, [10, 10, 5]).image);
    await writeRgb(file("other-mask.tiff"), good.image);
    await Deno.writeFile(file("b.tiff"), new TextEncoder().encode("no image"));
    const whole = await Deno.readFile(file("a.tiff"));
    await Deno.writeFile(file("cut.tiff"), whole.subarray(0, whole.length - 40));
    await sharp(good.mask.data, { raw: { height: 64, width: 80, channels: 1 } })
      .toColourspace("b-w").tiff({ bitdepth: 1 }).toFile(file("bits.tiff"));
    const raw = { raw: { height: 64, width: 80, channels: 3 as const } };
    await sharp(good.image.data, raw).ensureAlpha(0.5).png().toFile(file("alpha.png"));
    await sharp(Uint16Array.from(good.image.data, (v) => v * 16), raw).toColourspace("rgb16").png()
      .toFile(file("deep.png"));
    await writeMask(join(truth, "a.tiff"), good.mask);
    await writeMask(join(truth, "other-mask.tiff"), {
      data: new Uint8Array(9),
      height: 3,
      width: 3,
    });

    const model = red();
    const options: BatchOptions = { outDir, models: "1", tile: 32, mode: "sliding" };
    const list = await listBatch(images, truth);
    const run = (more: Partial<BatchOptions> = {}) =>
      runBatch(list, [model], { ...options, ...more });
    const first = await run();
    const status = Object.fromEntries(first.map((s) => [s.id, s.message ?? s.status]));
    assert.equal(status.a, "done");
    assert.equal(status.h, "done", "smaller than a tile");
    assert.match(status.b, /cannot read image .*b\.tiff/);
    assert.ok(status.cut !== "done" && /cut\.tiff/.test(status.cut));
    assert.match(status.bits, /bits\.tiff must be an RGB image .*, found one bit a pixel/);
    assert.match(status.alpha, /alpha\.png has transparent pixels/);
    assert.match(status.deep, /deep\.png has 16-bit samples, but none over \d+: scale/);
    assert.match(status["other-mask"], /mask .*other-mask\.tiff is 3 x 3.* its image 64 x 80/);
    assert.equal(first.find((s) => s.id === "a")!.scores!.f1, 1);
    const left = [...Deno.readDirSync(join(outDir, "masks"))].map((e) => e.name).sort();
    assert.deepEqual(left, ["a.tiff", "h.tiff"], "no mask of a failed image");

    const tables = await collectBatch(outDir, await readStates(outDir, list));
    assert.deepEqual(tables, [
      "submission.csv",
      "summary.csv",
      "dice_report_submission.csv",
      "scores.csv",
    ]);
    const submission = readTextRows(join(outDir, "submission.csv"), ["img", "pixels"]);
    assert.deepEqual(submission.map((r) => r.img), ["a", "h"]);
    assert.deepEqual(decodeRle(submission[0].pixels!, 64, 80), good.mask.data);
    const summary = readTextRows(join(outDir, "summary.csv"), ["img", "status", "crypts"]);
    const { seconds: _, message: __, ...failed } = summary.find((r) => r.img === "b")!;
    const empty = Object.entries(failed).filter(([, value]) => value !== null);
    assert.deepEqual(empty, [["img", "b"], ["status", "failed"]], "no size, crypts or tiles");
    assert.equal(summary.length, 8);
    assert.deepEqual(summary.find((r) => r.img === "a")!.crypts, "1");

    const after = () => Object.fromEntries(list.map(({ id }, i) => [id, states[i].skipped]));
    model.tiles = 0;
    let states = await run();
    assert.deepEqual([after().a, after().h, after().b], [true, true, false]);
    const retried = model.tiles;
    states = await run({ threshold: 0.4 });
    assert.equal(after().a, false, "another threshold is another result");
    assert.ok(model.tiles > 2 * retried);
    states = await run({ threshold: 0.4, models: "2" });
    assert.equal(after().a, false, "so are other models");
    await Deno.remove(join(outDir, "masks", "a.tiff"));
    states = await run({ threshold: 0.4, models: "2" });
    assert.deepEqual([after().a, after().h], [false, true], "a lost file is made again");
    await assert.rejects(run({ signal: AbortSignal.abort(new Error("stop")) }), /stop/);
  });
});

Deno.test("a list of images is a folder or a table; doubles and gaps are refused", async () => {
  await withFolder(async (folder) => {
    const touch = (name: string) => Deno.writeTextFile(join(folder, name), "");
    for (const name of ["b.tiff", "a.ome.tiff", "c.SVS", "notes.txt", ".hidden.tiff"]) {
      await touch(name);
    }
    assert.deepEqual((await listBatch(folder)).map((i) => i.id), ["a", "b", "c"]);
    const table = join(folder, "list.csv");
    await Deno.writeTextFile(table, "image,id,pixel_size_um\nb.tiff,first,0.25\nsub/c.tiff,,\n");
    assert.deepEqual(await listBatch(table), [
      { id: "first", path: join(folder, "b.tiff"), pixelSize: 0.25, truth: null },
      { id: "c", path: join(folder, "sub/c.tiff"), pixelSize: null, truth: null },
    ]);
    await Deno.writeTextFile(table, "image,pixel_size_um\nb.tiff,wide\n");
    await assert.rejects(
      listBatch(table),
      /line 2: pixel_size_um must be a number > 0 of µm, or empty, got "wide"/,
    );
    await touch("b.png");
    await assert.rejects(
      listBatch(folder),
      /two images have the id "b".*; rename one, or give them ids in a table \(column id\)$/,
    );
    await Deno.writeTextFile(table, "image,id\nb.tiff,a\nc.SVS,a\n");
    await assert.rejects(
      listBatch(table),
      /two images have the id "a".*; give each row an id of its own \(column id\)$/,
    );
    await assert.rejects(listBatch(join(folder, "none")), /no images at/);
    await Deno.mkdir(join(folder, "empty"));
    await assert.rejects(listBatch(join(folder, "empty")), /has no image/);
  });
});

Deno.test("the command segments, lists failures, and takes part in arrays of jobs", async () => {
  await withFolder(async (folder) => {
    const images = join(folder, "images"), out = join(folder, "out");
    await writeRgb(join(images, "a.tiff"), waves(70, 90));
    await writeRgb(join(images, "b.tiff"), waves(40, 40));
    const model = createModel({
      ...{ architecture: "Unet", encoder: "efficientnet-b0", seed: 3 },
      decoderChannels: [16, 12, 8, 8, 4],
    });
    await saveWeights(model, join(folder, "fold0.safetensors"), {
      "crypts.training": JSON.stringify({ scale: 0.5, patchSize: [32, 32] }),
    });
    model.dispose();
    const quiet = async (...args: string[]) => {
      const { error, log } = console, lines: string[] = [];
      console.error = console.log = (line: string) => lines.push(line);
      try {
        return { code: await infer(args), text: lines.join("\n") };
      } finally {
        Object.assign(console, { error, log });
      }
    };
    const models = join(folder, "*.safetensors");
    const base = ["--images", images, "--models", models, "--out", out, "--backend", "wasm"];
    const one = await quiet(...base, "--index", "1");
    assert.equal(one.code, 0, one.text);
    assert.match(one.text, /tiles of 32 px at scale 0\.5, sliding/);
    assert.ok(await exists(join(out, "state/b.json")) && !await exists(join(out, "state/a.json")));
    const tables = await quiet("--images", images, "--out", out, "--collect");
    assert.equal(tables.code, 1, "one image has no state yet");
    const all = await quiet(...base, "--geojson");
    assert.equal(all.code, 0, all.text);
    assert.match(all.text, /2 of 2 images done/);
    assert.equal(readTextRows(join(out, "submission.csv"), ["img"]).length, 2);
    assert.equal((await quiet("--images", images, "--count")).text, "2");

    await Deno.writeTextFile(join(images, "c.tiff"), "no image");
    const failing = await quiet(...base, "--geojson");
    assert.equal(failing.code, 1);
    assert.match(failing.text, /failed: c: cannot read image/);
    for (
      const [args, message] of [
        [["--out", out, "--models", models], /--images is missing/],
        [[...base, "--mode", "round"], /--mode must be one of sliding, original, got "round"/],
        [[...base, "--tile", "x"], /--tile must be a number/],
        [[...base, "--index", "7"], /--index must be 0 to 2, got 7/],
        [[...base, "--models", join(folder, "*.none")], /matches no file/],
        [[...base, "--expect", "resnet18"], /encoder efficientnet-b0, expected resnet18/],
        [[...base, "--wrong"], /wrong/],
      ] as const
    ) {
      const { code, text } = await quiet(...args);
      assert.equal(code, 2);
      assert.match(text, message);
    }
  });
});
