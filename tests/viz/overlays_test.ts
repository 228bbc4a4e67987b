import assert from "node:assert/strict";
import { join } from "node:path";
import type { Mask, RgbImage } from "../../lib/image/pixels.ts";
import { readRgb } from "../../lib/image/read.ts";
import { heatColour, heatOverlay } from "../../lib/viz/overlays/heat.ts";
import {
  overlayBoth,
  overlayPanels,
  PREDICTION_COLOUR,
  TRUTH_COLOUR,
  writeTileOverlays,
} from "../../lib/viz/overlays/overlays.ts";
import { panels } from "../../lib/viz/overlays/panels.ts";

function square(side: number, top: number, left: number, size: number): Mask {
  const data = new Uint8Array(side * side);
  for (let y = top; y < top + size; y++) data.fill(1, y * side + left, y * side + left + size);
  return { data, height: side, width: side };
}

const grey = (side: number): RgbImage => ({
  data: new Uint8Array(side * side * 3).fill(128),
  height: side,
  width: side,
});

/** Pixels of exactly this colour, left and right of the middle. */
function count(image: RgbImage, colour: readonly number[]): [left: number, right: number] {
  const sides: [number, number] = [0, 0];
  for (let i = 0; i < image.height * image.width; i++) {
    if (colour.every((v, c) => image.data[3 * i + c] === v)) {
      sides[i % image.width < image.width / 2 ? 0 : 1]++;
    }
  }
  return sides;
}

Deno.test("panels: truth on the left, prediction on the right, titles above", async () => {
  const both = await overlayPanels(grey(100), square(100, 10, 10, 40), square(100, 30, 30, 40));
  // A 3 px line on the border of a square of 40: its border pixels and one more on each side.
  assert.deepEqual(count(both, TRUTH_COLOUR), [42 * 42 - 36 * 36, 0]);
  assert.deepEqual(count(both, PREDICTION_COLOUR), [0, 42 * 42 - 36 * 36]);
  assert.ok(both.width > 200 && both.height > 100);
  const head = both.height - 100;
  const dark = (from: number, to: number) => {
    let n = 0;
    for (let y = 0; y < head - 8; y++) {
      for (let x = from; x < to; x++) if (both.data[3 * (y * both.width + x)] < 100) n++;
    }
    return n;
  };
  const middle = Math.floor(both.width / 2);
  assert.ok(dark(0, middle) > 20 && dark(middle, both.width) > 20, "titles");
  const bare = await overlayPanels(grey(100), null, square(100, 30, 30, 40));
  assert.deepEqual(count(bare, TRUTH_COLOUR), [0, 0]);
  await assert.rejects(overlayPanels(grey(100), null, square(99, 0, 0, 9)), /same size/);
  await assert.rejects(panels([]), /at least one image/);
});

Deno.test("on one image the truth is dashed above the solid prediction: both show where they agree", () => {
  const agreeing = square(60, 10, 10, 20);
  const image = overlayBoth(grey(60), agreeing, agreeing);
  const [truth, predicted] = [TRUTH_COLOUR, PREDICTION_COLOUR]
    .map((colour) => count(image, colour).reduce((a, b) => a + b));
  assert.equal(truth + predicted, 22 * 22 - 16 * 16);
  assert.ok(truth > 50 && predicted > 50, `${truth} and ${predicted} pixels`);
});

Deno.test("tile overlays are written for the tiles that hold crypt, numbered row by row", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Tiles of 40 over 100: 3 x 3, the last ones 20 wide. Crypt in tiles 0 and 8.
    const truth = square(100, 5, 5, 20);
    for (let y = 85; y < 95; y++) truth.data.fill(1, y * 100 + 85, y * 100 + 95);
    const options = { tile: 40, outDir: join(folder, "overlays") };
    const paths = await writeTileOverlays(
      { id: "a" },
      grey(100),
      truth,
      square(100, 45, 45, 9),
      options,
    );
    assert.deepEqual(paths.map((p) => p.split("/").at(-1)), ["a_0.jpg", "a_8.jpg"]);
    const [first, last] = await Promise.all(paths.map((p) => readRgb(p)));
    assert.equal(
      first.width - 2 * 40,
      last.width - 2 * 20,
      "border tiles are cut, the frame is the same",
    );
    // Without ground truth the prediction decides.
    const predicted = await writeTileOverlays(
      { id: "b" },
      grey(100),
      null,
      square(100, 45, 45, 9),
      options,
    );
    assert.deepEqual(predicted.map((p) => p.split("/").at(-1)), ["b_4.jpg"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("heat hides the tissue where values are high and shows it where they are low", () => {
  const values = Float32Array.from({ length: 100 }, (_, i) => i / 99);
  const image = heatOverlay(grey(10), values, 1);
  assert.deepEqual([...image.data.subarray(297)], heatColour(1));
  const low = [...image.data.subarray(0, 3)];
  assert.ok(low.every((v) => Math.abs(v - 128) < 25), "nearly the grey of the tissue");
  assert.deepEqual(heatColour(-1), heatColour(0));
  const luma = (share: number) => {
    const [r, g, b] = heatColour(share);
    return 0.299 * r + 0.587 * g + 0.114 * b;
  };
  for (let i = 1; i <= 50; i++) assert.ok(luma(i / 50) > luma((i - 1) / 50), "brightness ascends");
  assert.throws(() => heatOverlay(grey(10), values.subarray(1), 1), /100 values, got 99/);
  assert.throws(() => heatOverlay(grey(10), values, 0), RangeError);
});
