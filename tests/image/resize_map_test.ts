import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import { resizeMap, RowResizer } from "../../lib/image/resize_map.ts";

const near = (got: ArrayLike<number>, wanted: readonly number[]) => {
  assert.equal(got.length, wanted.length);
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] - value) < 1e-6, `${i}: ${got[i]}`));
};

Deno.test("maps grow as by PyTorch's interpolate(bilinear, align_corners=False)", () => {
  // torch.nn.functional.interpolate(torch.tensor([[[[0., 1.], [2., 4.]]]]), size, mode="bilinear")
  const map = Float32Array.from([0, 1, 2, 4]);
  near(resizeMap(map, 2, 2, 4, 4), [
    ...[0, 0.25, 0.75, 1],
    ...[0.5, 0.8125, 1.4375, 1.75],
    ...[1.5, 1.9375, 2.8125, 3.25],
    ...[2, 2.5, 3.5, 4],
  ]);
  near(resizeMap(map, 2, 2, 4, 2), [0, 1, 0.5, 1.75, 1.5, 3.25, 2, 4]);
  near(resizeMap(map, 2, 2, 2, 4), [0, 0.25, 0.75, 1, 2, 2.5, 3.5, 4]);
  near(resizeMap(Float32Array.from([1, 2, 3, 4, 5, 6]), 1, 6, 1, 3), [1.5, 3.5, 5.5]);
  assert.equal(resizeMap(map, 2, 2, 2, 2), map);
});

Deno.test("maps are resized as PyTorch 2.13's interpolate (bilinear, align_corners False)", () => {
  const map = Float32Array.from({ length: 12 }, (_, i) => i * i / 100);
  // deno-fmt-ignore
  const expected = [
    0, 0.0035714288, 0.0092857145, 0.025, 0.0435714386, 0.0721428692, 0.09,
    0.064, 0.079, 0.103, 0.1370000243, 0.1738571823, 0.2207143158, 0.25,
    0.16, 0.1921428591, 0.2435714304, 0.305, 0.3692857623, 0.4435714483, 0.49,
    0.448, 0.4972857833, 0.5761429667, 0.665000081, 0.7567144036, 0.8584287167, 0.92200017,
    0.64, 0.7007142305, 0.7978571057, 0.905000031, 1.0150001049, 1.1349999905, 1.2100000381,
  ];
  const got = resizeMap(map, 3, 4, 5, 7);
  near(got, expected);
  assert.equal(resizeMap(map, 3, 4, 3, 4), map, "nothing to do, nothing copied");
});

Deno.test("a map that comes in bands is resized as the whole, larger and smaller", () => {
  const random = createRandom(4);
  const map = Float32Array.from({ length: 23 * 9 }, () => random.next());
  for (const [height, width] of [[46, 18], [61, 11], [23, 30], [10, 4], [61, 9], [24, 9]]) {
    const whole = resizeMap(map, 23, 9, height, width);
    for (const rows of [1, 4, 7, 22]) {
      const resizer = new RowResizer(23, 9, height, width), parts: number[] = [];
      for (let y = 0; y < 23; y += rows) {
        parts.push(...resizer.push(map.subarray(y * 9, Math.min(23, y + rows) * 9)));
      }
      assert.deepEqual(Float32Array.from(parts), whole);
    }
  }
});
