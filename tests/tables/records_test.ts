import assert from "node:assert/strict";
import { parseCsv } from "../../lib/tables/records.ts";

const parsed = (text: string) => parseCsv(text, "t.csv").map(({ line, cells }) => [line, ...cells]);

Deno.test("rows know the line that they begin on, with every kind of line end", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    assert.deepEqual(parsed(["a,b", "1,2", "3,4", ""].join(end)), [
      [1, "a", "b"],
      [2, "1", "2"],
      [3, "3", "4"],
    ]);
  }
});

Deno.test("line breaks within quotes count, blank lines do, and a quote in a cell is doubled", () => {
  assert.deepEqual(parsed('a,b\n"x\ny","say ""so"""\n\n,\n5,6\n'), [
    [1, "a", "b"],
    [2, "x\ny", 'say "so"'],
    [6, "5", "6"],
  ]);
});

Deno.test("the last row needs no line end, nor its last cell a text", () => {
  assert.deepEqual(parsed("a,b\n1,2"), [[1, "a", "b"], [2, "1", "2"]]);
  assert.deepEqual(parsed("a,b\n1,"), [[1, "a", "b"], [2, "1", ""]]);
});

Deno.test("a byte order mark is no cell's, and only the first", () => {
  assert.deepEqual(parsed("\uFEFFa,b\n1,2"), [[1, "a", "b"], [2, "1", "2"]]);
  assert.deepEqual(parsed("a\n\uFEFF1"), [[1, "a"], [2, "\uFEFF1"]]);
  assert.deepEqual(parsed("xa\n1"), [[1, "xa"], [2, "1"]]);
});

Deno.test("a ragged row and an open quote are named by their line", () => {
  assert.throws(() => parsed("a,b\n1,2\n3\n"), /^RangeError: t.csv: line 3 has 1 cells, .* has 2/);
  assert.throws(() => parsed('a,b\n"x\ny",2\n3,4,5\n'), /line 4 has 3 cells/);
  assert.throws(() => parsed('a,b\n1,2\n3,"4\n'), /t.csv: line 3 has a quote that does not end/);
});

Deno.test("text behind a closing quote is refused by its line", () => {
  assert.throws(() => parsed('a,b\n"1"x,2\n'), /line 2 has text behind a closing quote/);
});
