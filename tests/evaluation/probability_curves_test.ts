import assert from "node:assert/strict";
import { ProbabilityCurves } from "../../lib/evaluation/probability_curves.ts";
import { createRandom } from "../../lib/base/random.ts";

Deno.test("precision, recall and average precision are those of brute force over sorted pixels", () => {
  const random = createRandom(4), n = 400;
  // Thousandths at the middle of a bin: no two pixels of a bin differ.
  const probability = Float32Array.from({ length: n }, () => (random.int(1000) + 0.5) / 1000);
  const truth = Uint8Array.from(probability, (p) => random.next() < p ? 255 : 0);
  const curves = new ProbabilityCurves();
  curves.add(probability.subarray(0, 150), truth.subarray(0, 150));
  curves.add(probability.subarray(150), truth.subarray(150));
  const crypt = truth.filter((t) => t > 0).length;
  let ap = 0, before = 0;
  const points = curves.precisionRecall();
  for (const { threshold, precision, recall } of points.slice(1)) {
    const kept = [...probability.keys()].filter((i) => probability[i] > threshold);
    const hits = kept.filter((i) => truth[i] > 0).length;
    assert.ok(Math.abs(precision - hits / kept.length) < 1e-12);
    assert.ok(Math.abs(recall - hits / crypt) < 1e-12);
    ap += precision * (recall - before);
    before = recall;
  }
  assert.equal(points.at(-1)!.recall, 1);
  assert.ok(Math.abs(curves.averagePrecision() - ap) < 1e-12);
});

Deno.test("scikit-learn's example of average precision", () => {
  // average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) is 0.83...
  const curves = new ProbabilityCurves();
  curves.add(Float32Array.of(0.1, 0.4, 0.35, 0.8), Uint8Array.of(0, 0, 1, 1));
  assert.ok(Math.abs(curves.averagePrecision() - 5 / 6) < 1e-12);
});

Deno.test("the calibration error is the distance of what is said from what is", () => {
  const curves = new ProbabilityCurves();
  // Ten pixels say 0.85 and eight are crypt; ten say 0.25 and five are.
  const eight = Array.from({ length: 10 }, (_, i) => i < 8 ? 1 : 0);
  const five = Array.from({ length: 10 }, (_, i) => i < 5 ? 1 : 0);
  curves.add(new Float32Array(10).fill(0.85), Uint8Array.from(eight));
  curves.add(new Float32Array(10).fill(0.25), Uint8Array.from(five));
  const { steps, error } = curves.calibration();
  assert.deepEqual(steps.map(({ observed, share }) => [observed, share]), [[0.5, 0.5], [0.8, 0.5]]);
  assert.ok(Math.abs(error - (0.5 * 0.25 + 0.5 * 0.05)) < 1e-6);
});

Deno.test("what is no probability, no crypt and nothing at all are refused", () => {
  const curves = new ProbabilityCurves();
  assert.throws(() => curves.calibration(), /at least one pixel/);
  assert.throws(() => curves.calibration(7), /divisor of 1000, got 7/);
  assert.throws(() => curves.precisionRecall(), /need pixels of crypt/);
  assert.throws(() => curves.add(Float32Array.of(1.5), Uint8Array.of(1)), /in \[0, 1\], got 1.5/);
  assert.throws(() => curves.add(Float32Array.of(NaN), Uint8Array.of(1)), /got NaN/);
  assert.throws(() => curves.add(new Float32Array(2), new Uint8Array(3)), /got 2 and 3/);
});
