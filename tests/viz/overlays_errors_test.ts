import assert from "node:assert/strict";
import { errorMap, MISSED_COLOUR, SPURIOUS_COLOUR } from "../../lib/viz/overlays/errors.ts";

const mask = (...data: number[]) => ({
  data: Uint8Array.from(data),
  height: 1,
  width: data.length,
});

Deno.test("missed crypt is orange, spurious crypt blue, the rest pale", () => {
  const image = { data: new Uint8Array(12).fill(100), height: 1, width: 4 };
  const { data } = errorMap(image, mask(0, 1, 0, 1), mask(0, 1, 1, 0));
  const pixel = (i: number) => [...data.subarray(3 * i, 3 * i + 3)];
  assert.deepEqual(pixel(0), [166, 166, 166]);
  assert.deepEqual(pixel(1), pixel(0));
  assert.deepEqual(pixel(2), [...MISSED_COLOUR]);
  assert.deepEqual(pixel(3), [...SPURIOUS_COLOUR]);
});

Deno.test("an error map names masks of another size", () => {
  const image = { data: new Uint8Array(6), height: 1, width: 2 };
  assert.throws(
    () => errorMap(image, mask(0, 1), mask(1)),
    /truth of 1 x 1 must have the same size/,
  );
});
