import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { readCsv, readTable, readTextRows, writeCsv } from "../../lib/tables/csv.ts";
import { parseCsv } from "../../lib/tables/records.ts";
import { createRandom } from "../../lib/base/random.ts";
import { casePath, cases } from "../support/cases.ts";
import { withFolder } from "../support/temporary.ts";

for (const { file, why, refused, rows } of cases("table")) {
  Deno.test(`${file}: ${why} ${refused ? "is refused by name" : "is read as it was written"}`, () => {
    const read = () => readTextRows(casePath(file), ["id", "rle"]);
    if (refused) assert.throws(read, new RegExp(`${file}.*${refused}`));
    else assert.deepEqual(read().map(({ id, rle }) => [id, rle]), rows);
  });
}

const READ: [why: string, text: string, rows: (string | null)[][]][] = [
  ["blank lines and lines of commas", "a,b\n\n1,2\n,\n  , \n3,4\n\n", [["1", "2"], ["3", "4"]]],
  ["no line feed at the end", "a,b\n1,2", [["1", "2"]]],
  ["old Macintosh line ends", "a,b\r1,2\r3,4", [["1", "2"], ["3", "4"]]],
  ["commas, quotes and lines in quotes", 'a,b\n"1,""x""","2\n3"\n', [['1,"x"', "2\n3"]]],
  ["spaces around names", " a , b\n1,2\n", [["1", "2"]]],
  ["numbers that look alike", "a,b\n01,1.0\n1,1\n", [["01", "1.0"], ["1", "1"]]],
  ["an empty quoted cell", 'a,b\n"",2\n', [[null, "2"]]],
];

for (const [why, text, rows] of READ) {
  Deno.test(`text rows: ${why}`, () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/t.csv`, text);
      const found = readTextRows(`${folder}/t.csv`, ["a", "b"]);
      assert.deepEqual(found.map(({ a, b }) => [a, b]), rows);
      assert.equal(readCsv(`${folder}/t.csv`, ["a", "b"]).height, rows.length);
    }));
}

const REFUSED: [why: string, text: string, sentence: RegExp][] = [
  ["a row that is too short", "a,b\n1,2\n\n3\n", /t\.csv: line 4 has 1 cells, the header has 2/],
  ["a row that is too long", 'a,b\n"1\n1",2\n1,2,3\n', /t\.csv: line 4 has 3 cells/],
  ["a quote that does not end", 'a,b\n1,2\n"3,4\n', /t\.csv: line 3 has a quote that does not end/],
  ["text behind a quote", 'a,b\n"1"x,2\n', /t\.csv: line 2 has text behind a closing quote/],
  ["two columns of one name", "a,b,a\n1,2,3\n", /t\.csv has two columns "a"/],
  ["tabs", "a\tb\n1\t2\n", /t\.csv lacks the column.* separated by tabs, expected commas/],
];

for (const [why, text, sentence] of REFUSED) {
  Deno.test(`tables that are refused by name: ${why}`, () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/t.csv`, text);
      assert.throws(() => readTextRows(`${folder}/t.csv`, ["a", "b"]), sentence);
      assert.throws(() => readCsv(`${folder}/t.csv`, ["a", "b"]), sentence);
    }));
}

Deno.test("random tables survive quoting and parsing, with every kind of line end", () => {
  const random = createRandom(3), letters = ["a", ",", '"', "\n", " ", "é", "\r\n"];
  for (let round = 0; round < 200; round++) {
    const width = 1 + random.int(4);
    const rows = Array.from(
      { length: 1 + random.int(5) },
      () =>
        Array.from(
          { length: width },
          () => "x" + Array.from({ length: random.int(6) }, () => letters[random.int(7)]).join(""),
        ),
    );
    const end = ["\n", "\r\n"][round % 2];
    const text = rows.map((cells) =>
      cells.map((cell) => /^[a-z]*$/.test(cell) ? cell : `"${cell.replaceAll('"', '""')}"`).join(
        ",",
      )
    ).join(end);
    assert.deepEqual(parseCsv(text, "t").map(({ cells }) => cells), rows, text);
  }
});

Deno.test("a full disk is an error that names the table, and the table before stays", async () => {
  const dev = "/dev/full";
  const full = await Deno.stat(dev).then(() => true, () => false);
  if (!full) return console.warn("/dev/full is absent: nothing to fill");
  await withFolder(async (folder) => {
    const path = `${folder}/t.csv`, frame = pl.DataFrame({ a: ["1"] });
    await writeCsv(path, frame);
    // what is written under the temporary name goes to a disk without space
    await Deno.symlink(dev, `${folder}/.part-${Deno.pid}-t.csv`);
    await assert.rejects(
      writeCsv(path, pl.DataFrame({ a: ["2"] })),
      /cannot write .*t\.csv: .*[Nn]o space/,
    );
    assert.deepEqual(readTable(path).rows.map(({ cells }) => cells), [["1"]]);
  });
});
