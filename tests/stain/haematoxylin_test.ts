import assert from "node:assert/strict";
import { readRgb } from "../../lib/image/read.ts";
import { haematoxylin, otsu, otsuMask } from "../../lib/stain/haematoxylin.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

Deno.test("haematoxylin agrees with scikit-image's rgb2hed", () => {
  const data = Uint8Array.of(
    0,
    0,
    0,
    255,
    255,
    255,
    120,
    60,
    140,
    200,
    120,
    180,
    90,
    40,
    110,
    230,
    200,
    220,
  );
  const expected = [
    1.2101673111891832,
    0,
    0.06943575722866682,
    0.014253597485209196,
    0.09610008692287432,
    0.006435007041189002,
  ];
  haematoxylin({ data, height: 2, width: 3 }).forEach((v, i) => near(v, expected[i], 1e-6));
});

Deno.test("Otsu's threshold agrees with scikit-image's threshold_otsu", () => {
  const values = Float32Array.from(
    { length: 150 },
    (_, i) => i < 100 ? i / 100 : 3 + (i - 100) / 50,
  );
  near(otsu(values), 0.9872266, 1e-6);
});

Deno.test("Otsu on one value is that value, on none or on NaN an error", () => {
  assert.equal(otsu(Float32Array.of(2, 2)), 2);
  assert.throws(() => otsu(new Float32Array()), RangeError);
  assert.throws(() => otsu(Float32Array.of(1, NaN)), /finite values, got NaN/);
});

Deno.test("smoothing takes away single dark pixels and keeps a dark region", () => {
  const height = 40, width = 60, data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const inside = i % width < 25, speck = i === 20 * width + 50;
    data.set(inside || speck ? [90, 40, 130] : [235, 200, 225], i * 3);
  }
  const image = { data, height, width };
  assert.equal(otsuMask(image).data[20 * width + 50], 1);
  const smooth = otsuMask(image, { sigma: 2 }).data;
  assert.equal(smooth[20 * width + 50], 0);
  assert.equal(smooth[20 * width + 10], 1);
  assert.throws(() => otsuMask(image, { sigma: -1 }), RangeError);
});

sharedTest("the baseline on a real image is scikit-image's", async () => {
  const image = await readRgb(sharedPath("glas/test/train_4.tiff"));
  near(otsu(haematoxylin(image)), 0.04602611, 1e-6);
  const { data } = otsuMask(image);
  near(data.reduce((a, b) => a + b) / data.length, 0.1378667655419602, 1e-5);
});

Deno.test("a scanner's black rectangle neither is crypt nor moves the threshold", () => {
  const image = { data: new Uint8Array(30 * 10 * 3), height: 30, width: 10 };
  const paint = (from: number, to: number, colour: number[]) => {
    for (let i = from * 10; i < to * 10; i++) image.data.set(colour, i * 3);
  };
  paint(0, 10, [90, 60, 150]); // nuclei
  paint(10, 20, [230, 160, 200]); // stroma
  const { data } = otsuMask(image);
  const share = (from: number) => data.subarray(from * 10, from * 10 + 100).reduce((a, b) => a + b);
  assert.deepEqual([share(0), share(10), share(20)], [100, 0, 0]);
});
