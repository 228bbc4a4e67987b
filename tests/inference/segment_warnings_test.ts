import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { runBatch } from "../../lib/inference/batch.ts";
import { collectBatch } from "../../lib/inference/collect.ts";
import { segmentFile, type SegmentOptions } from "../../lib/inference/segment.ts";
import { writeRgb } from "../../lib/image/write.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { fakePredictor } from "../support/predictors.ts";
import { withFolder } from "../support/temporary.ts";

/** White with a red square of 30 px. */
function square() {
  const data = new Uint8Array(64 * 80 * 3).fill(240);
  for (let y = 10; y < 40; y++) {
    for (let x = 10; x < 40; x++) data.set([220, 20, 20], (y * 80 + x) * 3);
  }
  return { data, height: 64, width: 80 };
}

Deno.test("whether a crypt was found is said by crypts, after area and probability have decided", () =>
  withFolder(async (root) => {
    const path = join(root, "a.png");
    await writeRgb(path, square());
    const warning = async (p: number, more: Partial<SegmentOptions> = {}, pixelSize = 1) => {
      const { trust, crypts } = await segmentFile(
        { id: "a", path, pixelSize },
        [fakePredictor((r, g) => r > g + 50 ? p : 0)],
        { tile: 32, mode: "sliding", outDir: join(root, "out"), ...more },
      );
      return { crypts, warning: trust.warning };
    };
    assert.deepEqual(await warning(0.95), { crypts: 1, warning: null });
    const none = /^no crypt was found, but 900 pixels are above the threshold, in parts too small/;
    for (
      const more of [
        { crypts: { minArea: 1000 } },
        { crypts: { minAreaUm2: 1000 } },
        { crypts: { minProbability: 0.97 } },
      ]
    ) {
      const small = await warning(0.95, more);
      assert.equal(small.crypts, 0);
      assert.match(small.warning!, none);
    }
    assert.deepEqual(await warning(0), { crypts: 0, warning: "no crypt was found" });
    // Below one half, and a crypt all the same.
    const low = await warning(0.4, { threshold: 0.3 });
    assert.equal(low.crypts, 1);
    assert.doesNotMatch(low.warning!, /no crypt/);
  }));

Deno.test("summary.csv warns of an unknown, an implausible and another pixel size than the file's, image by image", () =>
  withFolder(async (root) => {
    const outDir = join(root, "out"),
      raw = { raw: { height: 64, width: 80, channels: 3 as const } };
    await writeRgb(join(root, "plain.png"), square());
    // 0.5 µm: 2000 pixels per mm.
    await sharp(square().data, raw).tiff({ xres: 2000, yres: 2000 }).toFile(
      join(root, "half.tiff"),
    );
    const image = (id: string, file: string, pixelSize: number | null) => ({
      ...{ id, path: join(root, file), pixelSize, truth: null },
    });
    const images = [
      image("unknown", "plain.png", null),
      image("said", "plain.png", 0.5),
      image("stated", "half.tiff", null),
      image("same", "half.tiff", 0.505),
      image("other", "half.tiff", 0.52),
      image("wide", "plain.png", 25),
    ];
    const warnings = async (modelPixelSize: number | null) => {
      const model = fakePredictor((r, g) => r > g + 50 ? 0.95 : 0);
      const states = await runBatch(images, [model], {
        ...{ outDir, models: "1", tile: 32, mode: "sliding", modelPixelSize, modelScale: 0.5 },
        ...(modelPixelSize === null ? { scale: 1 } : {}),
        crypts: { minArea: 10 },
      });
      assert.deepEqual(states.filter(({ status }) => status !== "done"), []);
      await collectBatch(outDir, states);
      const rows = readTextRows(join(outDir, "summary.csv"), ["img", "warning"]);
      return Object.fromEntries(rows.map(({ img, warning }) => [img, warning]));
    };
    const unscaled = await warnings(null);
    assert.equal(unscaled.unknown, "the µm per pixel are unknown: sizes are in pixels");
    for (const id of ["said", "stated", "same"]) assert.equal(unscaled[id], null, id);
    assert.equal(
      unscaled.other,
      "the file states 0.5 µm per pixel, 0.52 µm were given and are taken",
    );
    assert.match(
      unscaled.wide!,
      /the pixel size is implausible: 25 µm per pixel, expected 0\.05 to 20/,
    );
    images.pop();
    const guessed = await warnings(0.5);
    assert.match(
      guessed.unknown!,
      /the µm per pixel are unknown: resized by 0\.5 as in training/,
    );
    assert.equal(guessed.said, null);
  }));

Deno.test("where µm are unknown, the warning says that a limit in µm² was not used, and which one in pixels was", () =>
  withFolder(async (root) => {
    const path = join(root, "a.png");
    await writeRgb(path, square());
    const warning = async (crypts: SegmentOptions["crypts"], pixelSize: number | null) => {
      const { trust, crypts: found } = await segmentFile(
        { id: "a", path, pixelSize },
        [fakePredictor((r, g) => r > g + 50 ? 0.95 : 0)],
        { tile: 32, mode: "sliding", outDir: join(root, "out"), crypts },
      );
      return { found, warning: trust.warning ?? "" };
    };
    // The square has 900 pixels.
    const unknown = await warning({ minAreaUm2: 100_000 }, null);
    assert.equal(unknown.found, 1, "over 500 pixels");
    assert.match(
      unknown.warning,
      /smallest crypt of 100000 µm² could not be used, that of 500 pixels was/,
    );
    for (
      const [crypts, size] of [[{ minAreaUm2: 800 }, 1], [{ minArea: 800 }, null], [{}, null]] as [
        SegmentOptions["crypts"],
        number | null,
      ][]
    ) {
      assert.doesNotMatch((await warning(crypts, size)).warning, /could not be used/);
    }
  }));
