import assert from "node:assert/strict";
import { judgeTissue, ORIGINAL_RULE } from "../../lib/patching/tissue.ts";

/** 100 pixels: `n` of colour `a`, the rest of colour `b`. */
function patch(n: number, a: number[], b: number[] = [150, 110, 150]) {
  const data = new Uint8Array(300);
  for (let i = 0; i < 100; i++) data.set(i < n ? a : b, 3 * i);
  return { data, height: 10, width: 10 };
}

Deno.test("a patch is dark from above 20 % of red values below 60", () => {
  assert.equal(judgeTissue(patch(20, [59, 200, 200])).verdict, "tissue");
  assert.deepEqual(judgeTissue(patch(21, [59, 200, 200])), {
    verdict: "dark",
    dark: 0.21,
    bright: 0,
  });
  assert.equal(judgeTissue(patch(100, [60, 0, 0])).verdict, "tissue");
});

Deno.test("a patch is bright from above 60 % of red values above 220", () => {
  assert.equal(judgeTissue(patch(60, [221, 0, 0])).verdict, "tissue");
  assert.equal(judgeTissue(patch(61, [221, 0, 0])).verdict, "bright");
  assert.equal(judgeTissue(patch(100, [220, 255, 255])).verdict, "tissue");
});

Deno.test("the all-channel rule spares blue nuclei and pink stroma, not black and white", () => {
  const all = { ...ORIGINAL_RULE, channels: "all" as const };
  assert.equal(judgeTissue(patch(90, [40, 30, 120])).verdict, "dark");
  assert.equal(judgeTissue(patch(90, [40, 30, 120]), all).verdict, "tissue");
  assert.equal(judgeTissue(patch(90, [235, 150, 200]), all).verdict, "tissue");
  assert.equal(judgeTissue(patch(90, [5, 5, 5]), all).verdict, "dark");
  assert.equal(judgeTissue(patch(90, [240, 240, 240]), all).verdict, "bright");
});

Deno.test("a patch without pixels is refused", () => {
  assert.throws(() => judgeTissue({ data: new Uint8Array(), height: 0, width: 0 }), RangeError);
});
