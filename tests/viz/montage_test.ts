import assert from "node:assert/strict";
import sharp from "sharp";
import { pixelGridFigure } from "../../lib/viz/figures/pixel_grid.ts";
import { montage } from "../../lib/viz/montage.ts";
import { drawWindows, WINDOW_COLOURS } from "../../lib/viz/patch_windows.ts";

const plain = (height: number, width: number, value: number) => ({
  data: new Uint8Array(height * width * 3).fill(value),
  height,
  width,
});

Deno.test("a montage lays pictures out in rows with captions", async () => {
  const items = [plain(10, 20, 0), plain(20, 20, 120), plain(10, 20, 255)];
  const jpeg = await montage(items.map((image, i) => ({ image, caption: `${i}` })), {
    columns: 2,
    width: 100,
  });
  const { width, height } = await sharp(jpeg).metadata();
  assert.equal(width, 10 + 2 * 110);
  assert.equal(height, 10 + (24 + 100 + 10) + (24 + 50 + 10));
});

Deno.test("a montage scales a 0/1 mask to black and white", async () => {
  const mask = { data: Uint8Array.of(1, 1, 1, 1), height: 2, width: 2 };
  const jpeg = await montage([{ image: mask }], { width: 40 });
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  assert.ok(data[(30 * info.width + 30) * info.channels] > 250);
});

Deno.test("an empty montage is refused", async () => {
  await assert.rejects(montage([]), /at least one picture, got none/);
});

Deno.test("windows are tinted at their middles by their fate", () => {
  const image = plain(8, 8, 200);
  const { data } = drawWindows(image, [{ row: 0, column: 0, reason: "crypt" }], 8, 4);
  const at = (
    row: number,
    column: number,
  ) => [...data.subarray((row * 8 + column) * 3).slice(0, 3)];
  assert.deepEqual(at(0, 0), [200, 200, 200]);
  assert.deepEqual(
    at(4, 4),
    WINDOW_COLOURS.crypt.map((c) => Math.floor(0.55 * 200 + 0.45 * c)),
  );
});

Deno.test("the pixel grid numbers pixels down the columns", () => {
  const svg = pixelGridFigure(Uint8Array.of(0, 0, 0, 1, 0, 1), 3, 2, "tiny");
  const numbers = [...svg.matchAll(/text-anchor="middle">(\d+)</g)].map((match) => match[1]);
  assert.deepEqual(numbers, ["1", "4", "2", "5", "3", "6"]);
  assert.throws(() => pixelGridFigure(new Uint8Array(5), 3, 2, "x"), /got 5 values for 3 x 2/);
});
