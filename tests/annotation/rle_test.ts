import assert from "node:assert/strict";
import { ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import { readTextRows } from "../../lib/tables/csv.ts";
import { readMask } from "../../lib/image/read.ts";
import { decodeRle, EMPTY_RLE, encodeRle, isEmptyRle } from "../../lib/annotation/rle.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { blockMask } from "../support/tiny_dataset.ts";

/** The definition, pixel by pixel: numpy's `mask.T.flatten()` and its runs. */
function encodeByDefinition(mask: Uint8Array, height: number, width: number): string {
  const flat = Array.from(
    { length: height * width },
    (_, i) => mask[(i % height) * width + Math.floor(i / height)] !== 0 ? "1" : "0",
  ).join("");
  const runs = [...flat.matchAll(/1+/g)].map((run) => `${run.index + 1} ${run[0].length}`);
  return runs.length ? runs.join(" ") : "0 0";
}

Deno.test("an encoding runs down the columns and counts from 1", () => {
  // rows: 0 1 0 / 1 1 0
  assert.deepEqual([...decodeRle("2 3", 2, 3)], [0, 1, 0, 1, 1, 0]);
  assert.equal(encodeRle(Uint8Array.of(0, 1, 0, 1, 1, 0), 2, 3), "2 3");
});

Deno.test("runs that cross columns, fill columns and touch the last pixel survive a round trip", () => {
  for (const rle of ["1 1", "1 12", "4 1", "3 3", "12 1", "1 1 3 6 11 2", "4 5", EMPTY_RLE]) {
    assert.equal(encodeRle(decodeRle(rle, 4, 3), 4, 3), rle);
  }
});

Deno.test("encoding agrees with the definition for masks of any width and alignment", () => {
  for (let seed = 0; seed < 40; seed++) {
    const height = 1 + seed % 9, width = 1 + (seed * 7) % 23;
    const { data } = blockMask(height, width, seed, seed % 5);
    const shifted = new Uint8Array(data.length + 3).subarray(seed % 4, seed % 4 + data.length);
    shifted.set(data.map((v) => v * (1 + seed % 255)));
    const rle = encodeRle(shifted, height, width);
    assert.equal(rle, encodeByDefinition(data, height, width), `seed ${seed}`);
    assert.deepEqual(decodeRle(rle, height, width), data, `seed ${seed}`);
  }
});

Deno.test("different non-zero values do not split a run", () => {
  assert.equal(encodeRle(Uint8Array.of(1, 0, 0, 0, 255, 0, 0, 0, 7, 0, 0, 0), 3, 4), "1 3");
});

Deno.test("touching runs are accepted and become one", () => {
  assert.equal(encodeRle(decodeRle("1 2 3 2", 5, 1), 5, 1), "1 4");
});

Deno.test("nothing and 0 0 are the empty mask", () => {
  for (const rle of ["", " ", "0 0", " 0  0\n"]) {
    assert.ok(isEmptyRle(rle));
    assert.ok(decodeRle(rle, 3, 2).every((v) => v === 0));
  }
  assert.ok(!isEmptyRle("1 1"));
  assert.ok(!isEmptyRle("0 0 1 1"));
});

Deno.test("a malformed encoding is refused, naming the pair", () => {
  const cases: [string, RegExp][] = [
    ["1 2 5", /pair 1 is only "5"/],
    ["1 2 -5 2", /pair 1 holds "-5"/],
    ["1 2.5", /pair 0 holds "\.5"/],
    ["1 2 x 4", /pair 1 holds "x"/],
    ["1 2 9 3", /pair 1 "9 3" ends beyond the 10 pixels of 5 x 2/],
    ["11 1", /pair 0 "11 1" ends beyond/],
    ["1 99999999999999999999", /pair 0 .* ends beyond/],
    ["0 3", /pair 0 "0 3" starts before the first pixel/],
    ["1 2 0 0", /pair 1 "0 0" starts before/],
    ["3 0", /pair 0 "3 0" has no pixel/],
    ["4 3 2 1", /pair 1 "2 1" starts before the end of the pair before it, 6/],
    ["1 4 4 2", /pair 1 "4 2" starts before the end/],
  ];
  for (const [rle, message] of cases) {
    assert.throws(() => decodeRle(rle, 5, 2), { name: "RangeError", message }, rle);
  }
});

Deno.test("sizes that do not fit are refused", () => {
  assert.throws(() => decodeRle("1 1", 0, 5), RangeError);
  assert.throws(() => decodeRle("1 1", 2.5, 5), RangeError);
  assert.throws(() => encodeRle(new Uint8Array(9), 2, 5), /needs 10 pixels, got 9/);
});

sharedTest("every GlaS mask decoded from its CSV equals its TIFF byte for byte", async () => {
  const { train, test } = await openDataset(sharedPath("glas"));
  assert.equal(train.length, 27);
  assert.equal(test.length, 10);
  for (const record of [...train, ...test]) {
    const { id, rle, height, width, maskPath } = record;
    const decoded = decodeRle(rle!, height, width);
    assert.deepEqual(decoded, (await readMask(maskPath)).data, id);
    assert.equal(encodeRle(decoded, height, width), rle, id);
    // with neither mask file nor polygons the encoding is what remains
    assert.deepEqual((await ensureMask({ ...record, maskPath: "/none" })).data, decoded, id);
  }
});

sharedTest("the real full-size encodings survive a round trip", () => {
  for (const table of ["train", "test"]) {
    for (const row of readTextRows(sharedPath(`colonic-rle/${table}.csv`), ["id", "predicted"])) {
      const rle = row.predicted!;
      assert.ok(encodeRle(decodeRle(rle, 4536, 4704), 4536, 4704) === rle, row.id!);
    }
  }
});
