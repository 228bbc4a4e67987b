import assert from "node:assert/strict";
import { heatMap } from "../../lib/viz/overlays/heat.ts";

Deno.test("a heat map runs through matplotlib's inferno, values outside the range clipped", () => {
  const { data } = heatMap([-1, 0, 0.5, 1, 2, 1], 2, 3);
  const pixel = (i: number) => [...data.subarray(3 * i, 3 * i + 3)];
  assert.deepEqual(pixel(0), [0, 0, 4]);
  assert.deepEqual(pixel(1), pixel(0));
  // matplotlib.colormaps["inferno"](128): (0.7373, 0.2157, 0.3294)
  assert.ok(pixel(2).every((v, c) => Math.abs(v - [188, 55, 84][c]) <= 2), `${pixel(2)}`);
  assert.deepEqual(pixel(3), [252, 255, 164]);
  assert.deepEqual(pixel(4), pixel(3));
});

Deno.test("a heat map refuses values that do not fit and an empty range", () => {
  assert.throws(() => heatMap([1, 2], 2, 2), /needs 4 values, got 2/);
  assert.throws(() => heatMap([1], 1, 1, [1, 1]), /range must be \[low, high\], got \[1, 1\]/);
});
