import assert from "node:assert/strict";
import { shareVoid } from "../../lib/image/void.ts";

/** Values drawn with digits, `x` is void. */
const drawn = (...rows: string[]) =>
  Uint8Array.from(rows.join(""), (c) => c === "x" ? 255 : Number(c));

Deno.test("a band of void is shared along its middle, an odd one leaves its middle to background", () => {
  assert.deepEqual(shareVoid(drawn("11xx00", "11xx00"), 6, 255), drawn("111000", "111000"));
  assert.deepEqual(shareVoid(drawn("11xxx00"), 7, 255), drawn("1110000"));
  assert.deepEqual(shareVoid(drawn("1xx2"), 4, 255), drawn("1122"));
});

Deno.test("void far from every label, and a whole image of it, is background", () => {
  assert.deepEqual(shareVoid(drawn("1xxxxxxxxx"), 10, 255), drawn("1111110000"));
  assert.deepEqual(shareVoid(drawn("xxxx"), 2, 255), drawn("0000"));
});

Deno.test("the data are copied, and rows do not touch around the border", () => {
  const data = drawn("00x", "100");
  assert.deepEqual(shareVoid(data, 3, 255), drawn("000", "100"));
  assert.equal(data[2], 255);
});
