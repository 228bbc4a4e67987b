import assert from "node:assert/strict";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { heatColour } from "../../lib/viz/overlays/heat.ts";
import { scaleBarLength, withColourBar, withScaleBar } from "../../lib/viz/overlays/scales.ts";

const image: RgbImage = { data: new Uint8Array(300 * 400 * 3).fill(120), height: 300, width: 400 };
const pixel = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

Deno.test("a scale bar has a round length of at most a quarter of the picture", () => {
  assert.equal(scaleBarLength(400, 0.5), 50);
  assert.equal(scaleBarLength(400, 2), 200);
  assert.equal(scaleBarLength(40_000, 0.5), 5000);
  assert.throws(() => scaleBarLength(400, 0), /pixelSize must be a positive number of µm, got 0/);
});

Deno.test("the bar drawn is as long as it says", async () => {
  const marked = await withScaleBar(image, 1.25); // 100 µm are 80 px
  let longest = 0;
  for (let y = 0; y < marked.height; y++) {
    let run = 0;
    for (let x = 0; x < marked.width; x++) {
      run = pixel(marked, x, y).every((v) => v < 40) ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
  }
  assert.ok(Math.abs(longest - 80) <= 1, `${longest} px`);
  assert.deepEqual(pixel(marked, 5, 5), [120, 120, 120]);
  assert.equal(await withScaleBar(image, null), image, "without a pixel size there is no bar");
});

Deno.test("a colour bar runs from the highest colour to the lowest beside the unchanged map", async () => {
  const marked = await withColourBar(image, [0, 1], "entropy in bits");
  assert.equal(marked.height, 300);
  assert.ok(marked.width > 430);
  assert.deepEqual(pixel(marked, 399, 150), [120, 120, 120]);
  const near = (y: number, share: number) => {
    const wanted = heatColour(share), got = pixel(marked, 412, y);
    assert.ok(got.every((v, c) => Math.abs(v - wanted[c]) < 12), `${got} at ${y}`);
  };
  near(1, 1);
  near(298, 0);
});
