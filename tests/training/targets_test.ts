import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import type { Mask } from "../../lib/image/pixels.ts";
import {
  checkTarget,
  classesOf,
  gapWeights,
  targetMaps,
  type TargetOptions,
} from "../../lib/training/targets.ts";

/** Discs of one value each, later ones on top: some touch, some leave gaps, some are cut by the edge. */
function discs(height: number, width: number, count: number, seed: number): Mask {
  const random = createRandom(seed), data = new Uint8Array(height * width);
  for (let label = 1; label <= count; label++) {
    const [cy, cx, r] = [random.uniform(0, height), random.uniform(0, width), random.uniform(2, 9)];
    for (let i = 0; i < data.length; i++) {
      if (Math.hypot(Math.floor(i / width) - cy, i % width - cx) < r) data[i] = label;
    }
  }
  return { data, height, width };
}

/** Distance of pixel `i` to the nearest pixel for which `marks` holds, by looking at all. */
function bruteDistance({ data, width }: Mask, i: number, marks: (value: number) => boolean) {
  let best = Infinity;
  data.forEach((value, k) => {
    if (!marks(value)) return;
    const dy = Math.floor(k / width) - Math.floor(i / width);
    best = Math.min(best, Math.hypot(dy, k % width - i % width));
  });
  return best;
}

Deno.test("boundary classes equal brute force: inside a crypt, within the width of what is not it", () => {
  for (const [seed, boundaryWidth] of [[1, 1], [2, 2], [3, 3.5]]) {
    const mask = discs(31, 40, 9, seed);
    const { classes, weights } = targetMaps(mask, { target: "boundary", boundaryWidth });
    assert.equal(weights, null);
    const expected = mask.data.map((value, i) => {
      if (value === 0) return 0;
      return bruteDistance(mask, i, (other) => other !== value) <= boundaryWidth ? 2 : 1;
    });
    assert.deepEqual(classes, expected);
    assert.ok([0, 1, 2].every((c) => classes.includes(c)));
  }
});

Deno.test("two crypts that touch are parted by both boundaries; crypt stays what is not background", () => {
  const data = Uint8Array.from({ length: 9 * 12 }, (_, i) => i % 12 < 6 ? 1 : 2);
  const mask = { data, height: 9, width: 12 };
  const { classes } = targetMaps(mask, { target: "boundary", boundaryWidth: 2 });
  assert.deepEqual([...classes.subarray(0, 12)], [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1]);
  assert.deepEqual([...targetMaps(mask, { target: "crypt" }).classes], Array(108).fill(1));
});

Deno.test("gap weights equal the U-Net paper's formula by brute force, the cut at 4 sigma aside", () => {
  const sigma = 2, w0 = 7;
  for (const seed of [4, 5]) {
    const mask = discs(30, 34, 10, seed);
    const labels = [...new Set(mask.data)].filter((v) => v > 0);
    const weights = gapWeights(mask, w0, sigma);
    let heavy = 0;
    weights.forEach((weight, i) => {
      const [d1, d2] = labels.map((label) => bruteDistance(mask, i, (v) => v === label))
        .sort((a, b) => a - b);
      const expected = 1 + w0 * Math.exp(-((d1 + d2) ** 2) / (2 * sigma ** 2));
      // Beyond 4 sigma the formula itself is below w0 * exp(-8).
      assert.ok(Math.abs(weight - expected) <= w0 * Math.exp(-8) + 1e-5, `${weight}, ${expected}`);
      if (weight > 2) heavy++;
    });
    assert.ok(heavy > 20, "some gaps are narrow");
  }
  const lone = discs(20, 20, 1, 6);
  assert.deepEqual([...new Set(gapWeights(lone, 5, 3))], [1]);
});

Deno.test("targets know their classes, and settings out of range are refused by name", () => {
  assert.deepEqual([classesOf("crypt"), classesOf("boundary")], [2, 3]);
  const refuse = (options: Partial<TargetOptions>, message: RegExp) =>
    assert.throws(() => checkTarget({ target: "boundary", ...options }), message);
  refuse({ target: "edge" as "crypt" }, /target must be one of crypt, boundary, got "edge"/);
  refuse({ boundaryWidth: 0 }, /boundaryWidth must be at least 1 px, got 0/);
  refuse({ gapWeight: -1 }, /gapWeight must be at least 0, got -1/);
  refuse({ gapWidth: 0 }, /gapWidth must be positive, got 0/);
  checkTarget({ target: "crypt" });
});
