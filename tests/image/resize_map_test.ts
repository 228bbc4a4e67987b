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

Deno.test("band by band gives the whole's rows, whatever the bands", () => {
  const random = createRandom(3), [height, width] = [23, 7];
  const map = Float32Array.from({ length: height * width }, () => random.next());
  for (const [toHeight, toWidth] of [[61, 7], [11, 20], [23, 9], [24, 7]]) {
    const whole = resizeMap(map, height, width, toHeight, toWidth);
    for (const band of [1, 4, 22]) {
      const resizer = new RowResizer(height, width, toHeight, toWidth), parts: number[] = [];
      for (let y = 0; y < height; y += band) {
        parts.push(...resizer.push(map.subarray(y * width, Math.min(height, y + band) * width)));
      }
      assert.deepEqual(parts, [...whole]);
    }
  }
});
