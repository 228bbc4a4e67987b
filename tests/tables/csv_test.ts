import assert from "node:assert/strict";
import pl from "nodejs-polars";
import { readCsv, readTextRows, writeCsv } from "../../lib/tables/csv.ts";
import { withFolder } from "../support/temporary.ts";

Deno.test("a table survives a round trip with its types", () =>
  withFolder(async (folder) => {
    const path = `${folder}/deep/table.csv`;
    const frame = pl.DataFrame({ img: ["a", "b, c", 'd"e'], dice: [0.1, 1 / 3, 1], n: [1, 2, 3] });
    await writeCsv(path, frame);
    assert.deepEqual(readCsv(path, ["img", "dice"]).toRecords(), frame.toRecords());
  }));

Deno.test("a column that turns fractional in its last row is fractional", () =>
  withFolder(async (folder) => {
    const path = `${folder}/late.csv`;
    await Deno.writeTextFile(path, "v\n" + "1\n".repeat(500) + "2.5\n");
    assert.equal(readCsv(path, ["v"]).toRecords().at(-1)!.v, 2.5);
  }));

Deno.test("text rows keep ids as they are written, empty cells are null", () =>
  withFolder(async (folder) => {
    const path = `${folder}/ids.csv`;
    await Deno.writeTextFile(path, "id,predicted\r\n007,1 2\r\n1e3,\r\n");
    assert.deepEqual(readTextRows(path, ["id", "predicted"]), [
      { id: "007", predicted: "1 2" },
      { id: "1e3", predicted: null },
    ]);
  }));

Deno.test("a table with a header only has no rows; a byte order mark is no part of a name", () =>
  withFolder(async (folder) => {
    const path = `${folder}/a.csv`;
    await Deno.writeTextFile(path, "id,predicted\n");
    assert.deepEqual(readTextRows(path, ["id"]), []);
    await Deno.writeTextFile(path, '\uFEFF"id",predicted\n1,2\n');
    assert.equal(readTextRows(path, ["id"])[0].id, "1");
  }));
