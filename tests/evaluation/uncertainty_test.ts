import assert from "node:assert/strict";
import {
  disagreement,
  ErrorCurveCollector,
  predictiveEntropy,
} from "../../lib/evaluation/uncertainty.ts";
import { diceScore } from "../../lib/annotation/metrics.ts";
import { createRandom } from "../../lib/base/random.ts";

Deno.test("entropy is 1 bit at one half, 0 where the model is sure, and symmetric", () => {
  const got = predictiveEntropy(Float32Array.of(0, 0.5, 1, 0.11, 0.89));
  assert.deepEqual([...got.subarray(0, 3)], [0, 1, 0]);
  // H(0.11) = 0.11 log2(1 / 0.11) + 0.89 log2(1 / 0.89)
  assert.ok(Math.abs(got[3] - 0.4999157) < 1e-6 && Math.abs(got[3] - got[4]) < 1e-6);
});

Deno.test("variances of models and views add up", () => {
  assert.deepEqual(
    disagreement(Float32Array.of(0.3, 0), Float32Array.of(0.4, 0.2)),
    Float32Array.of(0.5, 0.2),
  );
});

Deno.test("the error curve over several images is that of counting pixel by pixel", () => {
  const random = createRandom(6), bins = 10, collector = new ErrorCurveCollector(1, bins);
  const all = { u: [] as number[], p: [] as number[], t: [] as number[] };
  for (let image = 0; image < 3; image++) {
    const size = 500 + 100 * image;
    const truth = Uint8Array.from({ length: size }, () => random.int(2));
    const u = Float32Array.from({ length: size }, () => random.next());
    // The less certain, the more often wrong.
    const predicted = truth.map((t, i) => random.next() < 0.5 * u[i] ? 1 - t : t);
    collector.add(u, predicted, truth);
    all.u.push(...u);
    all.p.push(...predicted);
    all.t.push(...truth);
  }
  const { steps, auroc } = collector.curve();
  const bin = (u: number) => Math.min(bins - 1, Math.floor(u * bins));
  const wrong = all.p.map((p, i) => p !== all.t[i]);
  for (const [b, step] of steps.entries()) {
    const own = all.u.map((u, i) => [bin(u), i] as const);
    const inside = own.filter(([k]) => k === b).map(([, i]) => i);
    const below = own.filter(([k]) => k <= b).map(([, i]) => i);
    assert.equal(step.share, inside.length / all.u.length);
    assert.equal(step.error, inside.filter((i) => wrong[i]).length / inside.length);
    assert.ok(Math.abs(step.kept - below.length / all.u.length) < 1e-12);
    const dice = diceScore(
      Uint8Array.from(below, (i) => all.p[i]),
      Uint8Array.from(below, (i) => all.t[i]),
    );
    assert.ok(Math.abs(step.diceBelow - dice) < 1e-7);
  }
  let pairs = 0, wins = 0;
  wrong.forEach((w, i) => {
    if (!w) return;
    wrong.forEach((v, j) => {
      if (v) return;
      pairs++;
      const a = bin(all.u[i]), b = bin(all.u[j]);
      wins += a > b ? 1 : a === b ? 0.5 : 0;
    });
  });
  assert.ok(Math.abs(auroc! - wins / pairs) < 1e-12);
  assert.ok(auroc! > 0.6, "here, where it is unsure is where it is wrong");
});

Deno.test("an error curve needs images, of one size each, and something to tell apart", () => {
  const collector = new ErrorCurveCollector(0.5);
  assert.throws(() => collector.curve(), /at least one image/);
  assert.throws(
    () => collector.add(new Float32Array(3), new Uint8Array(3), new Uint8Array(4)),
    RangeError,
  );
  collector.add(new Float32Array(3), new Uint8Array(3), new Uint8Array(3));
  assert.equal(collector.curve().auroc, null, "nothing is wrong");
  assert.equal(collector.curve().steps[5].error, null, "no pixel there");
  assert.throws(() => new ErrorCurveCollector(0), RangeError);
});
