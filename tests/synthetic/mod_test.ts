import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import { readPolygons } from "../../lib/annotation/geojson.ts";
import { readMask, readRgb } from "../../lib/image/read.ts";
import { diceScore } from "../../lib/annotation/metrics.ts";
import { polygonsToMask } from "../../lib/annotation/polygons.ts";
import { createRandom } from "../../lib/base/random.ts";
import { decodeRle, isEmptyRle } from "../../lib/annotation/rle.ts";
import { otsuMask } from "../../lib/stain/haematoxylin.ts";
import { Canvas } from "../../lib/synthetic/canvas.ts";
import { ensureBuiltIn, generateDataset } from "../../lib/synthetic/generate.ts";
import { Noise } from "../../lib/synthetic/noise.ts";
import {
  DISTANCE_UNIT,
  edgeDistances,
  fillOutline,
  outlineArea,
  walkOutline,
} from "../../lib/synthetic/outlines.ts";
import { PIXEL_SIZE, PLANS } from "../../lib/synthetic/plan.ts";
import { drawSlide } from "../../lib/synthetic/slide.ts";
import { withFolder } from "../support/temporary.ts";

const SMALL: [number, number] = [203, 251];

function digest(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

async function pixels(root: string): Promise<string[]> {
  const { train, test } = await openDataset(root);
  return await Promise.all(
    [...train, ...test].map(async (r) => digest((await readRgb(r.imagePath)).data)),
  );
}

function share(mask: Uint8Array): number {
  return mask.reduce((sum, v) => sum + v, 0) / mask.length;
}

/** A circle of radius 20 µm round (30, 28) µm. */
const circle = Float64Array.from({ length: 180 }, (_, k) => {
  const phi = 2 * Math.PI * (k >> 1) / 90;
  return k % 2 === 0 ? 30 + 20 * Math.cos(phi) : 28 + 20 * Math.sin(phi);
});

function blankCanvas(height: number, width: number): Canvas {
  return new Canvas(height, width, new Noise(createRandom(1)));
}

Deno.test("the built-in data set has the layout that openDataset reads: 5 + 1 + 2 images", async () => {
  await withFolder(async (folder) => {
    const root = join(folder, "built-in");
    const seen: string[] = [];
    await generateDataset(root, {
      size: SMALL,
      onProgress: (done, total, id) => seen.push(`${done}/${total} ${id}`),
    });
    const { train, test } = await openDataset(root);
    assert.equal(train.filter((r) => r.annotated).length, 5);
    assert.deepEqual(train.filter((r) => !r.annotated).map((r) => r.rle), ["0 0"]);
    assert.equal(test.length, 2);
    assert.ok(test.every((r) => r.annotated));
    assert.deepEqual(new Set(train.map((r) => r.donor)), new Set(["S001", "S002"]));
    assert.deepEqual(test.map((r) => r.donor), ["S001", "S002"]);
    for (const r of [...train, ...test]) {
      assert.deepEqual([r.height, r.width, r.pixelSize], [...SMALL, 0.5]);
    }
    assert.equal(train.filter((r) => r.polygonsPath !== null).length, 1);
    assert.equal(seen.length, 8);
    assert.match(seen[7], /^8\/8 /);
  });
});

Deno.test("masks on disk equal their encodings, and the GeoJSON its mask, in every pixel but the outline's", async () => {
  await withFolder(async (folder) => {
    const root = join(folder, "built-in");
    await generateDataset(root, { size: SMALL });
    const { train, test } = await openDataset(root);
    for (const r of [...train, ...test]) {
      if (!r.annotated) {
        await assert.rejects(Deno.stat(r.maskPath), Deno.errors.NotFound);
        assert.equal(share((await ensureMask(r)).data), 0);
        continue;
      }
      assert.ok(!isEmptyRle(r.rle!));
      const mask = await readMask(r.maskPath, { height: r.height, width: r.width });
      assert.deepEqual(decodeRle(r.rle!, r.height, r.width), mask.data, r.id);
      if (r.polygonsPath) {
        const drawn = polygonsToMask(await readPolygons(r.polygonsPath), r.height, r.width);
        const dice = diceScore(drawn, mask.data);
        assert.ok(dice > 0.995, `Dice of the polygons ${dice}`);
      }
    }
  });
});

Deno.test("the same seed gives the same pixels, another seed others", async () => {
  await withFolder(async (folder) => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(folder, name));
    await generateDataset(a, { seed: 3, size: [128, 140] });
    await generateDataset(b, { seed: 3, size: [128, 140] });
    await generateDataset(c, { seed: 4, size: [128, 140] });
    assert.deepEqual(await pixels(a), await pixels(b));
    const [one, other] = [await pixels(a), await pixels(c)];
    for (const [k, hash] of one.entries()) assert.notEqual(hash, other[k]);
    assert.equal(new Set(one).size, 8);
  });
});

Deno.test("every image of the smallest size holds crypt and background, whatever the seed", async () => {
  for (const seed of [1, 7, 99]) {
    for (const plan of PLANS) {
      const { mask } = await drawSlide(plan, 128, 128, seed);
      const crypt = share(mask.data);
      assert.ok(crypt > 0.05 && crypt < 0.9, `${plan.id}, seed ${seed}: share of crypt ${crypt}`);
    }
  }
});

Deno.test("structures keep their size in µm: four times the area shows about four times the crypts", async () => {
  const plan = PLANS[2];
  const small = await drawSlide(plan, 400, 400, 7);
  const large = await drawSlide(plan, 800, 800, 7);
  const mean = (outlines: Float64Array[]) =>
    outlines.reduce((sum, o) => sum + outlineArea(o), 0) / outlines.length;
  const ratio = mean(large.outlines) / mean(small.outlines);
  assert.ok(ratio > 0.8 && ratio < 1.25, `mean area of a crypt ${ratio} times as large`);
  const covered = share(large.mask.data) * 800 * 800 / (share(small.mask.data) * 400 * 400);
  assert.ok(covered > 3 && covered < 5.5, `crypt area ${covered} times as large`);
});

Deno.test("missing scanner tiles are black and hold no crypt; empty glass is bright", async () => {
  const missing = PLANS.find((plan) => plan.annotated && plan.missing.length > 0)!;
  const { image, mask } = await drawSlide(missing, 300, 300, 7);
  const [top, left, height, width] = missing.missing[0];
  const row = Math.round((top + height / 2) * 300), column = Math.round((left + width / 2) * 300);
  const i = row * 300 + column;
  assert.deepEqual([...image.data.subarray(3 * i, 3 * i + 3)], [0, 0, 0]);
  assert.equal(mask.data[i], 0);

  const glass = await drawSlide(PLANS[0], 300, 300, 7);
  assert.ok(Math.min(...glass.image.data.subarray(0, 30)) > 225);
});

Deno.test("a stain threshold does not do: Otsu on haematoxylin stays under a Dice of 0.7", async () => {
  for (const plan of PLANS.filter((p) => p.split === "test")) {
    const { image, mask } = await drawSlide(plan, 600, 600, 7);
    for (const sigma of [0, 4]) {
      const dice = diceScore(otsuMask(image, { sigma }).data, mask.data);
      assert.ok(dice < 0.7, `${plan.id}: Dice ${dice} at sigma ${sigma}`);
    }
  }
});

Deno.test("ensureBuiltIn generates once, and anew after a change of version, with the same seed", async () => {
  await withFolder(async (folder) => {
    const root = join(folder, "built-in"), marker = join(root, "synthetic.json");
    assert.equal(await ensureBuiltIn(root, { seed: 5, size: [128, 130] }), true);
    const before = await pixels(root);
    assert.equal(await ensureBuiltIn(root), false);

    const current = JSON.parse(await Deno.readTextFile(marker));
    await Deno.writeTextFile(marker, JSON.stringify({ ...current, version: 0 }));
    await Deno.remove(join(root, "train.csv"));
    assert.equal(await ensureBuiltIn(root), true);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(marker)), current);
    assert.deepEqual(await pixels(root), before);
  });
});

Deno.test("a folder with somebody's files is refused and left as it was", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "thesis.txt"), "years of work");
    await assert.rejects(generateDataset(folder, { size: SMALL }), /thesis\.txt/);
    await assert.rejects(ensureBuiltIn(folder), /only an empty or generated folder/);
    assert.equal(await Deno.readTextFile(join(folder, "thesis.txt")), "years of work");
  });
});

Deno.test("bad sizes and seeds are named, and nothing is left behind", async () => {
  await withFolder(async (folder) => {
    const root = join(folder, "built-in");
    await assert.rejects(generateDataset(root, { size: [100, 300] }), /at least 128, got 100,300/);
    await assert.rejects(generateDataset(root, { size: [300, 200.5] }), RangeError);
    await assert.rejects(generateDataset(root, { seed: 0.5 }), /seed must be an integer, got 0.5/);
    const stop = () => {
      throw new Error("disk full");
    };
    await assert.rejects(
      generateDataset(root, { size: [128, 128], onProgress: stop }),
      /cannot generate .*built-in: disk full/,
    );
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  });
});

Deno.test("a filled outline has the outline's area, and the first label keeps what it has", () => {
  const canvas = blankCanvas(120, 130);
  fillOutline(canvas, circle, 1);
  const area = canvas.labels.filter((label) => label === 1).length * PIXEL_SIZE ** 2;
  assert.ok(Math.abs(area / outlineArea(circle) - 1) < 0.01, `${area} of ${outlineArea(circle)}`);
  fillOutline(canvas, circle.map((v) => v + 10), 2);
  assert.equal(canvas.labels.filter((label) => label === 1).length * PIXEL_SIZE ** 2, area);
  assert.equal(canvas.labelAt(30, 28), 1);
  assert.equal(canvas.labelAt(50, 48), 2);
  assert.equal(canvas.labelAt(-1, 28), -1);
});

Deno.test("edge distances are within 3% and half a pixel of Euclid's, inside and outside", () => {
  const canvas = blankCanvas(120, 130);
  fillOutline(canvas, circle, 1);
  const distances = edgeDistances(canvas.labels, 120, 130);
  for (let row = 0; row < 120; row += 3) {
    for (let column = 0; column < 130; column += 3) {
      const x = (column + 0.5) * PIXEL_SIZE, y = (row + 0.5) * PIXEL_SIZE;
      const expected = Math.abs(Math.hypot(x - 30, y - 28) - 20);
      const got = distances[row * 130 + column] * DISTANCE_UNIT;
      assert.ok(Math.abs(got - expected) < 0.03 * expected + 0.5 * PIXEL_SIZE, `${row}, ${column}`);
    }
  }
});

Deno.test("walking an outline steps evenly and looks inwards", () => {
  const feet = [...walkOutline(circle, () => 4)];
  assert.ok(Math.abs(feet.length - 2 * Math.PI * 20 / 4) < 1.5);
  for (const { x, y, inward } of feet) {
    const ahead = Math.hypot(x + 20 * Math.cos(inward) - 30, y + 20 * Math.sin(inward) - 28);
    assert.ok(ahead < 1.5, `20 µm inwards is ${ahead} µm from the centre`);
  }
});

Deno.test("an ellipse is inked within its label only", () => {
  const canvas = blankCanvas(80, 80);
  canvas.labels.fill(1, 0, 80 * 40);
  canvas.ellipse(20, 20, 8, 8, 0, { haematoxylin: 1, eosin: 0.5, label: 1 });
  const at = (x: number, y: number) => Math.floor(y / PIXEL_SIZE) * 80 + Math.floor(x / PIXEL_SIZE);
  assert.equal(canvas.haematoxylin[at(20, 16)], 1);
  assert.equal(canvas.eosin[at(20, 16)], 0.5);
  assert.equal(canvas.haematoxylin[at(20, 24)], 0);
  assert.equal(canvas.haematoxylin[at(20, 8)], 0);
});
