import assert from "node:assert/strict";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { estimateStain, MACENKO_REFERENCE, normalizeStain } from "../../lib/stain/macenko.ts";
import reference from "../reference/stain_normalization.json" with { type: "json" };
import { crc32, unit } from "../support/shared.ts";

type Vectors = [number, number, number][];

/** The image of tests/reference/stain_normalization.py, in any two stains. */
function stainedImage(
  [h, e]: Vectors = [[0.6, 0.7, 0.38], [0.2, 0.85, 0.48]],
  strength = 1,
): RgbImage {
  const side = 40, data = new Uint8Array(side * side * 3), seed = crc32("stain");
  for (let p = 0; p < side * side; p++) {
    const ch = strength * 1.6 * unit(seed, 2 * p) ** 2;
    const ce = strength * 0.9 * unit(seed, 2 * p + 1);
    for (let c = 0; c < 3; c++) {
      data[3 * p + c] = Math.floor(240 * Math.exp(-h[c] * ch - e[c] * ce));
    }
  }
  return { data, height: side, width: side };
}

const sum = (values: Iterable<number>) => [...values].reduce((s, v) => s + v, 0);

Deno.test("the estimated stain equals torchstain's", () => {
  const image = stainedImage();
  assert.equal(sum(image.data), reference.imageSum, "the same image as in Python");
  const { vectors, strength } = estimateStain(image)!;
  for (const s of [0, 1]) {
    assert.ok(Math.abs(strength[s] - reference.strength[s]) < 1e-6, `strength ${s}`);
    for (const c of [0, 1, 2]) {
      assert.ok(Math.abs(vectors[s][c] - reference.vectors[s][c]) < 1e-6, `vector ${s}, ${c}`);
    }
  }
});

Deno.test("the normalized image equals torchstain's", () => {
  const { data, height, width } = normalizeStain(stainedImage());
  assert.deepEqual([height, width], [40, 40]);
  // A value that falls on a whole number may be cut to either side of it.
  reference.normalizedStart.forEach((v, i) => assert.ok(Math.abs(data[i] - v) <= 1, `byte ${i}`));
  assert.ok(Math.abs(sum(data) - reference.normalizedSum) < 20);
});

Deno.test("two differently stained copies of one tissue come nearer to each other", () => {
  const first = stainedImage();
  const second = stainedImage([[0.52, 0.75, 0.41], [0.12, 0.8, 0.59]], 0.7);
  const apart = (a: RgbImage, b: RgbImage) =>
    sum(a.data.map((v, i) => Math.abs(v - b.data[i]))) / a.data.length;
  const before = apart(first, second), after = apart(normalizeStain(first), normalizeStain(second));
  assert.ok(after < 0.65 * before, `${before} grey values apart before, ${after} after`);
});

Deno.test("an image in the reference's stain stays as it is, but for rounding", () => {
  const once = normalizeStain(stainedImage()), twice = normalizeStain(once);
  const most = once.data.reduce((m, v, i) => Math.max(m, Math.abs(v - twice.data[i])), 0);
  assert.ok(most <= 6, `${most}`);
  const { vectors } = estimateStain(once)!;
  assert.ok(Math.abs(vectors[0][0] - MACENKO_REFERENCE.vectors[0][0]) < 0.05);
});

Deno.test("glass and single colours have no stain and come back as copies", () => {
  for (const value of [250, 120]) {
    const image = { data: new Uint8Array(300 * 3).fill(value), height: 10, width: 30 };
    assert.equal(estimateStain(image), null);
    const same = normalizeStain(image);
    assert.deepEqual(same, image);
    assert.notEqual(same.data, image.data);
  }
});
