import assert from "node:assert/strict";
import { worstTiles } from "../../lib/evaluation/worst_tiles.ts";

const SIZE = { height: 10, width: 9 };

Deno.test("tiles with crypt come worst first; empty tiles and slivers are left out", () => {
  const truth = { ...SIZE, data: new Uint8Array(90) };
  const predicted = { ...SIZE, data: new Uint8Array(90) };
  const fill = (data: Uint8Array, row: number, column: number, rows: number, columns: number) => {
    for (let r = row; r < row + rows; r++) data.fill(1, r * 9 + column, r * 9 + column + columns);
  };
  fill(truth.data, 0, 0, 4, 4); // found
  fill(predicted.data, 0, 0, 4, 4);
  fill(truth.data, 4, 4, 4, 4); // half found
  fill(predicted.data, 4, 4, 2, 4);
  fill(truth.data, 0, 8, 8, 1); // in a sliver, one pixel wide
  fill(truth.data, 8, 0, 2, 4); // missed, in a tile of half the height
  const scores = worstTiles(predicted, truth, 4);
  assert.deepEqual(scores.map(({ row, column }) => [row, column]), [[8, 0], [4, 4], [0, 0]]);
  assert.deepEqual(scores.map(({ dice }) => Math.round(dice * 1000)), [0, 667, 1000]);
  fill(truth.data, 4, 0, 1, 1); // one of 16 pixels
  assert.equal(worstTiles(predicted, truth, 4).length, 4);
  assert.equal(worstTiles(predicted, truth, 4, 1 / 16).length, 4);
  assert.equal(worstTiles(predicted, truth, 4, 0.1).length, 3);
});

Deno.test("masks of two sizes have no worst tiles", () => {
  const mask = { ...SIZE, data: new Uint8Array(90) };
  const other = { height: 9, width: 10, data: new Uint8Array(90) };
  assert.throws(() => worstTiles(mask, other, 4), /prediction of 10 x 9 .* truth of 9 x 10/);
});
