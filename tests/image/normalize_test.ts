/** Normalization against its formula, and preprocessing that is refused. */
import assert from "node:assert/strict";
import {
  CENTERED,
  checkPreprocessing,
  IMAGENET,
  normalizeRgb,
  type Preprocessing,
} from "../../lib/image/normalize.ts";

const OWN: Preprocessing = { mean: [0.1, 0.2, 0.3], std: [0.5, 1, 2], channelOrder: "RGB" };

Deno.test("every byte of every channel: (v / 255 - mean) / deviation, of the preprocessing given", () => {
  const bytes = Uint8Array.from({ length: 256 * 3 }, (_, i) => Math.floor(i / 3));
  for (const preprocessing of [IMAGENET, CENTERED, OWN, IMAGENET]) {
    const out = normalizeRgb(bytes, preprocessing);
    const { mean, std } = preprocessing;
    out.forEach((v, i) => {
      const want = Math.fround((bytes[i] / 255 - mean[i % 3]) / std[i % 3]);
      assert.equal(v, want);
    });
  }
  assert.deepEqual(
    [...normalizeRgb(Uint8Array.of(0, 255, 51), CENTERED)].map((v) => v.toFixed(3)),
    [
      "-1.000",
      "1.000",
      "-0.600",
    ],
  );
});

Deno.test("values go to their place, and what does not fit is refused", () => {
  const out = new Float32Array(9);
  normalizeRgb(Uint8Array.of(255, 255, 255), CENTERED, out, 3);
  assert.deepEqual([...out], [0, 0, 0, 1, 1, 1, 0, 0, 0]);
  assert.throws(() => normalizeRgb(new Uint8Array(4), CENTERED), /in threes, got 4/);
  assert.throws(
    () => normalizeRgb(new Uint8Array(6), CENTERED, out, 6),
    /holds 9 values, needs 12/,
  );
});

Deno.test("preprocessing of a file is checked", () => {
  assert.deepEqual(checkPreprocessing({ mean: OWN.mean, std: OWN.std }, "x"), OWN);
  for (
    const bad of [null, {}, { ...OWN, std: [1, 0, 1] }, { ...OWN, mean: [1, 2] }, {
      ...OWN,
      mean: [NaN, 0, 0],
    }]
  ) {
    assert.throws(
      () => checkPreprocessing(bad, "file"),
      /RangeError: file: preprocessing needs three/,
    );
  }
  assert.throws(() => checkPreprocessing({ ...OWN, channelOrder: "BGR" }, "file"), /file: .*"BGR"/);
});
