import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import { cryptsOfLabels } from "../../lib/crypts/labels.ts";
import { overlapCrypts, scoreObjects } from "../../lib/evaluation/match.ts";
import { confidenceIntervals, pooledTable, poolScores } from "../../lib/evaluation/pooled.ts";
import { type ImageScores, scoreImage } from "../../lib/evaluation/scores.ts";
import type { LabelMask } from "../../lib/image/pixels.ts";

const SIDE = 40;

/** Discs as labels 1, 2, …; later ones lie above earlier ones. */
function labels(discs: [x: number, y: number, radius: number][], width = SIDE): LabelMask {
  const data = new Uint16Array(SIDE * width);
  discs.forEach(([cx, cy, r], k) => {
    for (let i = 0; i < data.length; i++) {
      if ((i % width - cx) ** 2 + (Math.floor(i / width) - cy) ** 2 <= r * r) data[i] = k + 1;
    }
  });
  return { data, height: SIDE, width };
}

const binary = ({ data, ...size }: LabelMask) => ({
  data: Uint8Array.from(data, (v) => v ? 1 : 0),
  ...size,
});

/** Hand-made cases: exact, touching, split, merged, cut by the border, missed and invented. */
const CASES: [predicted: LabelMask, truth: LabelMask][] = [
  [labels([[20, 20, 9]]), labels([[20, 20, 9]])],
  [labels([[12, 20, 8], [28, 20, 8]]), labels([[12, 20, 9], [27, 20, 9]])],
  [labels([[14, 20, 6], [27, 20, 6]]), labels([[20, 20, 13]])],
  [labels([[20, 20, 13]]), labels([[14, 20, 6], [27, 20, 6]])],
  [labels([[0, 20, 9], [39, 0, 7]]), labels([[0, 21, 9], [39, 1, 7]])],
  [labels([[10, 10, 5], [30, 30, 6]]), labels([[10, 10, 6], [30, 8, 5]])],
];

const scored = CASES.map(([predicted, truth], i) => {
  const crypts = [cryptsOfLabels(predicted), cryptsOfLabels(truth)];
  const image: ImageScores = {
    ...scoreImage(`image${i}`, binary(predicted), truth),
    ...scoreObjects(overlapCrypts(crypts[0], crypts[1])),
    predictedCrypts: crypts[0].length,
  };
  return image;
});

/** All cases side by side in one image, far enough apart, with labels of their own. */
function mosaic(side: 0 | 1): LabelMask {
  const width = CASES.length * SIDE * 3, data = new Uint16Array(SIDE * width);
  CASES.forEach((pair, k) => {
    const { data: from } = pair[side];
    for (let i = 0; i < from.length; i++) {
      if (from[i]) data[Math.floor(i / SIDE) * width + k * SIDE * 3 + i % SIDE] = from[i] + 100 * k;
    }
  });
  return { data, height: SIDE, width };
}

Deno.test("pooled scores equal those of one image that holds all images side by side", () => {
  const whole = scoreObjects(overlapCrypts(cryptsOfLabels(mosaic(0)), cryptsOfLabels(mosaic(1))));
  const pooled = poolScores(scored);
  assert.ok(Math.abs(pooled.f1 - whole.f1) < 1e-12);
  assert.ok(Math.abs(pooled.precision - whole.precision) < 1e-12);
  assert.ok(Math.abs(pooled.recall - whole.recall) < 1e-12);
  assert.ok(Math.abs(pooled.objectDice - whole.objectDice) < 1e-12);
  assert.ok(Math.abs(pooled.objectHausdorff - whole.objectHausdorff) < 1e-9);
  const mean = scored.reduce((sum, s) => sum + s.f1, 0) / scored.length;
  assert.ok(Math.abs(pooled.f1 - mean) > 1e-3, "which is not the mean over images");
});

Deno.test("true crypts are the labels where there are labels: touching ones count one by one", () => {
  const [, truth] = CASES[1];
  assert.equal(scoreImage("labels", binary(truth), truth).crypts, 2);
  assert.equal(scoreImage("mask", binary(truth), binary(truth)).crypts, 1);
});

Deno.test("an image without crypts on one side counts its misses and has no distance", () => {
  const none = labels([]), [, truth] = CASES[0];
  const missed = scoreImage("missed", binary(none), truth);
  const pooled = poolScores([scored[0], missed]);
  assert.equal(pooled.f1, 2 / 3);
  assert.equal(pooled.recall, 0.5);
  assert.equal(pooled.objectHausdorff, 0, "over the other image alone");
  assert.ok(Number.isNaN(poolScores([missed]).objectHausdorff));
  const nothing = poolScores([scoreImage("nothing", binary(none), none)]);
  assert.deepEqual([nothing.f1, nothing.objectDice, nothing.precision], [1, 1, 1]);
});

Deno.test("the bootstrap's interval of a mean is that of the normal approximation", () => {
  const random = createRandom(5).fork("scores");
  const images = Array.from({ length: 200 }, (_, i) => ({
    ...scored[0],
    image: `${i}`,
    dice: 0.6 + 0.3 * random.next(),
  }));
  const mean = images.reduce((sum, s) => sum + s.dice, 0) / images.length;
  const variance = images.reduce((sum, s) => sum + (s.dice - mean) ** 2, 0) / images.length;
  const half = 1.96 * Math.sqrt(variance / images.length);
  const [low, high] = confidenceIntervals(images, { seed: 3 }).dice;
  assert.ok(Math.abs(low - (mean - half)) < 0.15 * half, `${low} against ${mean - half}`);
  assert.ok(Math.abs(high - (mean + half)) < 0.15 * half, `${high} against ${mean + half}`);
});

Deno.test("images of one patient drawn together give a wider interval than drawn one by one", () => {
  const images = Array.from({ length: 60 }, (_, i) => ({
    ...scored[0],
    image: `${i}`,
    dice: 0.5 + 0.08 * Math.floor(i / 12),
  }));
  const width = (groupOf?: (image: string) => string) => {
    const [low, high] = confidenceIntervals(images, { repeats: 500, groupOf }).dice;
    return high - low;
  };
  assert.ok(width((image) => `${Math.floor(Number(image) / 12)}`) > 1.8 * width());
});

Deno.test("the table has a row per group, in natural order, and one over all", () => {
  const frame = pooledTable(scored, (image) => image < "image3" ? "patient 10" : "patient 9", {
    repeats: 50,
  });
  assert.deepEqual(frame.getColumn("group").toArray(), ["patient 9", "patient 10", "all"]);
  assert.deepEqual(frame.getColumn("images").toArray(), [3, 3, 6]);
  assert.match(String(frame.getColumn("f1").toArray()[2]), /^0\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)$/);
  const apart = pooledTable(scored, (image) => image, { repeats: 50 });
  assert.match(
    String(apart.getColumn("f1").toArray()[0]),
    /^[01]\.\d{3}$/,
    "one image: no interval",
  );
  const one = pooledTable(scored, null, { repeats: 50, groupOf: () => "patient 1" });
  assert.match(String(one.getColumn("f1").toArray()[0]), /^0\.\d{3}$/, "one patient: no interval");
});

Deno.test("pooled scores refuse no image and settings out of range", () => {
  assert.throws(() => poolScores([]), /at least one image/);
  assert.throws(() => confidenceIntervals(scored, { repeats: 0 }), /repeats.*0/);
  assert.throws(() => confidenceIntervals(scored, { level: 1 }), /level.*1/);
});
