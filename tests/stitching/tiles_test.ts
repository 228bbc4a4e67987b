import assert from "node:assert/strict";
import { crop } from "../../lib/image/pixels.ts";
import {
  cutTile,
  padToTiles,
  placeTile,
  stitchTiles,
  tilePositions,
} from "../../lib/stitching/tiles.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

Deno.test("tiles cover the image row by row", () => {
  assert.deepEqual(tilePositions(5, 9, 4), [
    { row: 0, column: 0 },
    { row: 0, column: 4 },
    { row: 0, column: 8 },
    { row: 4, column: 0 },
    { row: 4, column: 4 },
    { row: 4, column: 8 },
  ]);
  assert.equal(tilePositions(4536, 4704, 512).length, 90);
  assert.equal(tilePositions(1, 1, 512).length, 1);
});

Deno.test("padding adds white on the right and at the bottom only", () => {
  const image = noiseImage(5, 7), padded = padToTiles(image, 4);
  assert.deepEqual([padded.height, padded.width], [8, 8]);
  assert.deepEqual(crop(padded, 0, 0, 5, 7), image);
  assert.ok(crop(padded, 5, 0, 3, 8).data.every((v) => v === 255));
  assert.ok(crop(padded, 0, 7, 8, 1).data.every((v) => v === 255));
  assert.equal(padToTiles(noiseImage(8, 4), 4, 0).height, 8);
});

Deno.test("an image that fits is not copied", () => {
  const image = noiseImage(8, 4);
  assert.equal(padToTiles(image, 4), image);
});

Deno.test("cutting tiles equals cutting the padded image", () => {
  const image = noiseImage(10, 13), padded = padToTiles(image, 4);
  for (const position of tilePositions(10, 13, 4)) {
    const expected = crop(padded, position.row, position.column, 4, 4).data;
    assert.deepEqual(cutTile(image, position, 4), expected);
  }
});

Deno.test("a mirrored tile continues the image on both sides, an image of one pixel is repeated", () => {
  const image = { data: Uint8Array.from([10, 0, 0, 20, 0, 0, 30, 0, 0]), height: 1, width: 3 };
  const reds = (tile: Uint8Array) => [...tile].filter((_, i) => i % 3 === 0);
  const tile = reds(cutTile(image, { row: 0, column: 1 }, 6, "mirror"));
  assert.deepEqual(tile.slice(0, 6), [20, 30, 20, 10, 20, 30]);
  assert.deepEqual(tile.slice(30), tile.slice(0, 6), "one row stands for all");
  const dot = cutTile(
    { data: Uint8Array.of(1, 2, 3), height: 1, width: 1 },
    { row: 0, column: 0 },
    2,
    "mirror",
  );
  assert.deepEqual([...dot], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
  const whole = noiseImage(4, 4);
  assert.deepEqual(cutTile(whole, { row: 0, column: 0 }, 4, "mirror"), whole.data);
});

Deno.test("stitching undoes cutting for any size of image", () => {
  for (const [height, width] of [[1, 1], [3, 9], [8, 8], [9, 8], [17, 5]]) {
    const values = Float32Array.from({ length: height * width }, (_, i) => i + 1);
    const tiles = tilePositions(height, width, 4).map(({ row, column }) => {
      const tile = new Float32Array(16).fill(-1);
      for (let y = 0; y < 4 && row + y < height; y++) {
        for (let x = 0; x < 4 && column + x < width; x++) {
          tile[y * 4 + x] = values[(row + y) * width + column + x];
        }
      }
      return tile;
    });
    assert.deepEqual(stitchTiles(tiles, height, width, 4), values);
  }
});

Deno.test("wrong numbers and lengths are refused", () => {
  assert.throws(() => tilePositions(0, 5, 4), /height must be a positive integer, got 0/);
  assert.throws(() => padToTiles(noiseImage(2, 2), 1.5), /tile must be a positive integer/);
  assert.throws(() => stitchTiles([], 3, 3, 4), /are 1 tiles, got 0/);
  assert.throws(() => stitchTiles([new Float32Array(9)], 3, 3, 4), /16 values, got 9/);
  assert.throws(
    () => placeTile(new Uint8Array(4), { row: 0, column: 0 }, 2, new Uint8Array(5), 2, 2),
    /needs 4 values/,
  );
});
