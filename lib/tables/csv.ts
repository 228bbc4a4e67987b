/** Tables in and out through polars: the columns are there, the files whole or absent. */
import { Buffer } from "node:buffer";
import pl, { type DataFrame } from "nodejs-polars";
import { decodeUtf8, refuseSpecial, writeWhole } from "../base/mod.ts";
import { type CsvRow, otherSeparator, parseCsv } from "./records.ts";

/**
 * Reads a CSV file with a header row.
 *
 * @param columns names that must be there; others may be there too
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and the missing columns, the line of a ragged row, or the
 *   encoding when it is not UTF-8
 * @throws {Error} naming the file when it is no table
 */
export function readCsv(path: string, columns: readonly string[]): DataFrame {
  const { names, rows } = readTable(path);
  checkColumns(path, names, columns);
  if (names.length === 0) return pl.DataFrame({});
  const lines = [names, ...rows.map(({ cells }) => cells)].map((cells) =>
    cells.map(quote).join(",")
  );
  try {
    // Every row is looked at, since a column may turn out late to be text or fractional.
    return pl.readCSV(Buffer.from(`${lines.join("\n")}\n`), { inferSchemaLength: lines.length });
  } catch (cause) {
    throw new Error(`cannot read table ${path}: ${(cause as Error).message}`, { cause });
  }
}

function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * The rows of a CSV file as text, so that the id `007` does not become the number 7; an empty cell
 * is null. Fails as {@link readCsv} does.
 */
export function readTextRows<Column extends string>(
  path: string,
  columns: readonly Column[],
): (Record<Column, string | null> & Record<string, string | null>)[] {
  const { names, rows } = readTable(path);
  checkColumns(path, names, columns);
  return rows.map(({ cells }) =>
    Object.fromEntries(names.map((name, i) => [name, cells[i] === "" ? null : cells[i]]))
  ) as ReturnType<typeof readTextRows<Column>>;
}

/** A table as text: names without surrounding spaces, rows with their lines in the file. */
export interface TextTable {
  names: string[];
  rows: CsvRow[];
}

/**
 * Reads a CSV file of UTF-8 as text.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file when it is UTF-16 or no UTF-8, or its rows are ragged
 */
export function readTable(path: string): TextTable {
  const rows = parseCsv(decodeUtf8(readBytes(path), `table ${path}`), `table ${path}`);
  const names = (rows.shift()?.cells ?? []).map((name) => name.trim());
  const twice = names.find((name, i) => name !== "" && names.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`table ${path} has two columns "${twice}"`);
  return { names, rows };
}

/** @throws {RangeError} naming the file and the columns that `names` lacks */
export function checkColumns(
  path: string,
  names: readonly string[],
  columns: readonly string[],
): void {
  const missing = columns.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  const list = (all: readonly string[]) => all.map((name) => `"${name}"`).join(", ");
  throw new RangeError(
    `table ${path} lacks the column${missing.length > 1 ? "s" : ""} ${list(missing)}; ` +
      (otherSeparator(names) ?? `it has ${list(names) || "none"}`),
  );
}

function readBytes(path: string): Uint8Array {
  try {
    refuseSpecial(path, "it");
    return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`no table at ${path}`);
    }
    throw new Error(`cannot read table ${path}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Writes a table with a header row; the file is whole or absent.
 *
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeCsv(path: string, frame: DataFrame): Promise<void> {
  // To memory first: polars reports no error when the disk is full.
  await writeWhole(path, new Uint8Array(frame.writeCSV()));
}
