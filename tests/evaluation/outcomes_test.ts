import assert from "node:assert/strict";
import type { Mask, RgbImage } from "../../lib/image/pixels.ts";
import { diceScore } from "../../lib/annotation/metrics.ts";
import { type CryptOutcome, cryptOutcomes } from "../../lib/evaluation/outcomes.ts";
import { diceBySize } from "../../lib/evaluation/dice_by_size.ts";
import { diceByThreshold, pixelErrors } from "../../lib/evaluation/pixel_errors.ts";
import { encodeRuns } from "../../lib/annotation/runs_rle.ts";
import { rankFailureProperties } from "../../lib/evaluation/error_analysis.ts";
import { findCrypts } from "../../lib/crypts/find.ts";
import { RunCollector } from "../../lib/image/runs.ts";
import { scoreImage, scoreTable } from "../../lib/evaluation/scores.ts";
import { createRandom } from "../../lib/base/random.ts";
import { encodeRle } from "../../lib/annotation/rle.ts";

function boxes(...list: [top: number, left: number, height: number, width: number][]): Mask {
  const mask = { data: new Uint8Array(100 * 120), height: 100, width: 120 };
  for (const [top, left, h, w] of list) {
    for (let y = top; y < top + h; y++) mask.data.fill(1, y * 120 + left, y * 120 + left + w);
  }
  return mask;
}

/** Pink tissue; crypts' rims dark blue where `mask` is set. */
function painted(mask: Mask): RgbImage {
  const data = new Uint8Array(mask.data.length * 3);
  mask.data.forEach((v, i) => data.set(v ? [90, 60, 140] : [230, 170, 200], 3 * i));
  return { data, height: mask.height, width: mask.width };
}

Deno.test("every crypt has its outcome: found, missed, merged, fragment, spurious", () => {
  const truth = boxes([0, 0, 20, 20], [40, 10, 20, 20], [40, 34, 20, 20], [10, 60, 30, 30], [
    80,
    90,
    10,
    10,
  ]);
  const predicted = boxes(
    [2, 0, 20, 20], // the first, shifted
    [40, 10, 20, 46], // second and third in one
    [10, 60, 10, 30], // a third of the fourth
    [60, 80, 8, 8], // nothing there; the fifth is missed
  );
  const image = painted(truth);
  const outcomes = cryptOutcomes("a", image, findCrypts(predicted), findCrypts(truth));
  const of = (side: string) =>
    outcomes.filter((f) => f.side === side).map((f) => [f.area, f.outcome] as const);
  assert.deepEqual(of("truth"), [
    [400, "found"],
    [900, "missed"],
    [400, "found"],
    [400, "merged"],
    [100, "missed"],
  ]);
  assert.deepEqual(of("predicted"), [
    [400, "found"],
    [300, "fragment"],
    [920, "found"],
    [64, "spurious"],
  ]);
  const [first, fourth] = outcomes;
  assert.deepEqual([first.border, fourth.border], [true, false]);
  assert.equal(first.covered, 0.9);
  assert.equal(Math.round(fourth.covered * 900), 300);
  assert.ok(Math.abs(first.brightness - (0.299 * 90 + 0.587 * 60 + 0.114 * 140)) < 1e-9);
  assert.ok(first.rimContrast > 0.05, "the rim is darker than the tissue");
  const spurious = outcomes.find((f) => f.outcome === "spurious")!;
  assert.ok(Math.abs(spurious.rimContrast) < 1e-6 && spurious.brightness > first.brightness);
  const second = outcomes.find((f) => f.side === "truth" && f.outcome === "merged")!;
  assert.equal(second.gap, 5, "from column 29 to column 34");
  assert.ok(Math.abs(spurious.gap - Math.hypot(25, 1)) < 1e-9);
});

Deno.test("the cause of failures is found: small crypts are missed, the rest is chance", () => {
  const random = createRandom(9), outcomes: CryptOutcome[] = [];
  for (let i = 0; i < 400; i++) {
    const area = random.uniform(100, 1000);
    outcomes.push({
      image: "a",
      side: "truth",
      crypt: i,
      outcome: random.next() < (area < 300 ? 0.8 : 0.05) ? "missed" : "found",
      covered: 0,
      area,
      circularity: random.next(),
      border: random.next() < 0.2,
      gap: random.next(),
      brightness: random.next(),
      haematoxylin: random.next(),
      rimContrast: random.next(),
    });
  }
  const [size, ...rest] = rankFailureProperties(outcomes);
  assert.equal(size.property, "size");
  assert.equal(size.failedAre, "smaller");
  assert.ok(size.failed < size.others && size.auroc > 0.85 && size.p < 1e-6);
  assert.ok(rest.every((cause) => cause.auroc < 0.62 && cause.p > 1e-3));
  // The AUROC counted pair by pair.
  let pairs = 0, wins = 0;
  for (const a of outcomes.filter((f) => f.outcome !== "found")) {
    for (const b of outcomes.filter((f) => f.outcome === "found")) {
      pairs++;
      wins += a.area < b.area ? 1 : a.area === b.area ? 0.5 : 0;
    }
  }
  assert.ok(Math.abs(size.auroc - wins / pairs) < 1e-12);
  assert.deepEqual(rankFailureProperties(outcomes.filter((f) => f.outcome === "found")), []);
});

Deno.test("the Mann-Whitney p is SciPy 1.17's (asymptotic, with ties and continuity)", () => {
  const outcome = (area: number, found: boolean): CryptOutcome => ({
    image: "a",
    side: "truth",
    crypt: 1,
    outcome: found ? "found" : "missed",
    covered: 0,
    area,
    circularity: 0,
    border: false,
    gap: 0,
    brightness: 0,
    haematoxylin: 0,
    rimContrast: 0,
  });
  const failed = [1, 2, 2, 3, 5, 8], others = [2, 4, 6, 7, 8, 9, 9, 12];
  const causes = rankFailureProperties([
    ...failed.map((a) => outcome(a, false)),
    ...others.map((a) => outcome(a, true)),
  ]);
  const { auroc, p } = causes.find((c) => c.property === "size")!;
  assert.ok(Math.abs(auroc - SCIPY.auroc) < 1e-12, `${auroc}`);
  assert.ok(Math.abs(p - SCIPY.p) < 1e-6, `${p}`);
});
// scipy.stats.mannwhitneyu(failed, others, method="asymptotic"), SciPy 1.17.1
const SCIPY = { auroc: 1 - 8.5 / 48, p: 0.051249174327194995 };

Deno.test("wrong pixels by direction, and Dice over thresholds, are those of counting anew", () => {
  const random = createRandom(4), size = 60 * 40;
  const images = [0, 1].map((seed) => {
    const own = random.fork(seed);
    const truth = {
      data: Uint8Array.from({ length: size }, () => own.int(2)),
      height: 60,
      width: 40,
    };
    const probability = Float32Array.from(truth.data, (t) => 0.3 * t + 0.7 * own.next());
    return { truth, probability };
  });
  const thresholds = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1];
  const all = (threshold: number) => {
    const masks = images.map(({ probability }) =>
      Uint8Array.from(probability, (p) => p > threshold ? 1 : 0)
    );
    return [
      Uint8Array.of(...masks[0], ...masks[1]),
      Uint8Array.of(...images[0].truth.data, ...images[1].truth.data),
    ];
  };
  for (const { threshold, dice } of diceByThreshold(images, thresholds)) {
    const [predicted, truth] = all(threshold);
    assert.ok(Math.abs(dice - diceScore(predicted, truth)) < 1e-7, `${threshold}`);
  }
  const [predicted, truth] = all(0.5), errors = pixelErrors(predicted, truth);
  assert.equal(errors.falsePositive, predicted.filter((p, i) => p > truth[i]).length);
  assert.equal(errors.falseNegative, predicted.filter((p, i) => p < truth[i]).length);
  assert.equal(errors.truth, truth.reduce((a, b) => a + b, 0));
  assert.throws(() => pixelErrors(predicted, truth.subarray(1)), RangeError);
});

Deno.test("Dice by size gives every true crypt its own", () => {
  const truth = boxes([10, 10, 20, 20], [60, 60, 10, 10]);
  const scores = diceBySize(findCrypts(boxes([10, 10, 10, 20])), findCrypts(truth));
  assert.deepEqual(scores, [{ area: 400, dice: 400 / 600 }, { area: 100, dice: 0 }]);
});

Deno.test("the table of scores ends with an average that leaves infinite distances out", () => {
  const truth = boxes([10, 10, 20, 20], [60, 60, 10, 10]);
  const good = scoreImage("good", truth, truth);
  const none = scoreImage("none", boxes(), truth);
  assert.deepEqual([good.dice, good.f1, good.objectHausdorff, good.crypts], [1, 1, 0, 2]);
  assert.deepEqual([none.f1, none.objectHausdorff, none.predictedCrypts], [0, Infinity, 0]);
  const rows = scoreTable([good, none]).toRecords();
  assert.deepEqual(rows.map((r) => r.img), ["good", "none", "Average"]);
  assert.deepEqual(rows.map((r) => r.object_hausdorff_px), [0, null, 0]);
  assert.deepEqual([rows[2].object_f1, rows[2].missed, rows[2].crypts], [0.5, 2, 4]);
  assert.throws(() => scoreTable([]), /at least one image/);
  const small = { data: new Uint8Array(4), height: 2, width: 2 };
  assert.throws(() => scoreImage("x", small, truth), /x: predicted mask of 2 x 2/);
});

Deno.test("the encoding from runs is the encoding of the mask", () => {
  const random = createRandom(8);
  for (let n = 0; n < 30; n++) {
    const height = 1 + random.int(20), width = 1 + random.int(20), share = random.next();
    const data = Uint8Array.from({ length: height * width }, () => random.next() < share ? 1 : 0);
    const runs = new RunCollector(width);
    runs.push(data);
    assert.equal(encodeRuns(runs.finish()), encodeRle(data, height, width));
  }
  for (const value of [0, 1]) {
    const runs = new RunCollector(4);
    runs.push(new Uint8Array(12).fill(value));
    assert.equal(encodeRuns(runs.finish()), value ? "1 12" : "0 0");
  }
});
