import assert from "node:assert/strict";
import { readTextRows } from "../../lib/tables/csv.ts";
import {
  countOverlap,
  diceScore,
  iou,
  precision,
  recall,
  softDice,
} from "../../lib/annotation/metrics.ts";
import { decodeRle } from "../../lib/annotation/rle.ts";
import { reference } from "../support/reference_models.ts";
import { crc32, sharedPath, sharedTest, uniform, unit } from "../support/shared.ts";
import { blockMask } from "../support/tiny_dataset.ts";

const truth = Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 1, 0);
const predicted = Uint8Array.of(1, 1, 0, 1, 0, 0, 0, 0, 0, 0);

function near(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

Deno.test("Dice, IoU, precision and recall of a small example", () => {
  near(diceScore(predicted, truth), 4 / 7, 1e-8);
  near(iou(predicted, truth), 2 / 5, 1e-8);
  near(precision(predicted, truth), 2 / 3, 1e-8);
  near(recall(predicted, truth), 2 / 4, 1e-8);
});

Deno.test("counting four pixels at once agrees with counting them one by one", () => {
  for (let seed = 0; seed < 30; seed++) {
    const a = blockMask(9, 31, seed).data, b = blockMask(9, 31, seed + 100).data;
    // any value that is not zero is crypt, wherever it lies in memory
    const shifted = new Uint8Array(a.length + 4).subarray(seed % 4, seed % 4 + a.length);
    shifted.set(a.map((v, i) => v * (1 + (i * 37 + seed) % 255)));
    const counts = { both: 0, predicted: 0, truth: 0 };
    a.forEach((v, i) => {
      counts.predicted += v;
      counts.truth += b[i];
      counts.both += v & b[i];
    });
    assert.deepEqual(countOverlap(shifted, b), counts, `seed ${seed}`);
  }
});

Deno.test("two empty masks score 1, a missed or an invented crypt almost 0", () => {
  const none = new Uint8Array(10);
  for (const score of [diceScore, iou, precision, recall]) assert.equal(score(none, none), 1);
  assert.ok(diceScore(none, truth) < 1e-8 && diceScore(none, truth) > 0);
  assert.ok(recall(none, truth) < 1e-8);
  assert.equal(precision(none, truth), 1);
  assert.ok(precision(truth, none) < 1e-8);
});

Deno.test("masks of different sizes are refused", () => {
  assert.throws(() => diceScore(truth, new Uint8Array(9)), /9 true pixels/);
});

Deno.test("soft Dice refuses lengths and classes that do not fit", () => {
  assert.throws(() => softDice(new Float32Array(5), new Uint8Array(2)), /need 4 logits, got 5/);
  assert.throws(() => softDice(new Float32Array(4), Uint8Array.of(0, 2)), /target 2 of pixel 1/);
});

sharedTest("the published predictions have their published Dice", () => {
  const rows = readTextRows(sharedPath("colonic-rle/submission.csv"), ["img", "pixels"]);
  const tests = readTextRows(sharedPath("colonic-rle/test.csv"), ["id", "predicted"]);
  const expected = [0.922929778972226, 0.7634746349031302];
  rows.forEach(({ img, pixels }, i) => {
    const row = tests.find(({ id }) => id === img)!;
    const score = diceScore(
      decodeRle(pixels!, 4536, 4704),
      decodeRle(row.predicted!, 4536, 4704),
    );
    near(score, expected[i]);
  });
  assert.equal(rows.length, 2);
});

sharedTest("the binary Dice agrees with the original's numpy function", () => {
  const cases = reference("losses/losses.json").numpy_dice_score;
  for (const { name, H, W, tp, tt, dice, pred_sum, true_sum } of cases) {
    const mask = (what: string, threshold: number) => {
      const seed = crc32(`${name}:${what}`);
      return Uint8Array.from({ length: H * W }, (_, i) => unit(seed, i) < threshold ? 1 : 0);
    };
    const p = mask("pred", tp), t = name === "d_same" ? p : mask("true", tt);
    const c = countOverlap(p, t);
    assert.deepEqual([c.predicted, c.truth], [pred_sum, true_sum], name);
    near(diceScore(p, t), dice, 1e-15);
  }
});

sharedTest("the soft Dice agrees with the original's PyTorch metric", () => {
  for (const c of reference("losses/losses.json").ce_and_DiceScore) {
    if (c.special) continue;
    const pixels = c.H * c.W,
      planes = uniform(`${c.name}:logits`, c.B * 2 * pixels, -c.scale, c.scale);
    const seed = crc32(`${c.name}:target`);
    const target = Uint8Array.from(
      { length: c.B * pixels },
      (_, i) => unit(seed, i) < c.threshold ? 1 : 0,
    );
    const logits = new Float32Array(planes.length); // NCHW to NHWC
    for (let i = 0; i < c.B * pixels; i++) {
      const start = Math.floor(i / pixels) * 2 * pixels + i % pixels;
      logits[2 * i] = planes[start];
      logits[2 * i + 1] = planes[start + pixels];
    }
    near(softDice(logits, target), c.mean_prob_true_class_f64, 1e-7);
  }
});
