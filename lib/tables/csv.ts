/** Tables in and out through polars: the columns are there, the files whole or absent. */
import { Buffer } from "node:buffer";
import pl, { type DataFrame } from "nodejs-polars";
import { writeWhole } from "../base/mod.ts";

/**
 * Reads a CSV file with a header row.
 *
 * @param columns names that must be there; others may be there too
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and the missing columns
 * @throws {Error} naming the file when it is no table
 */
export function readCsv(path: string, columns: readonly string[]): DataFrame {
  return parse(path, columns, "infer");
}

/**
 * The rows of a CSV file as text, so that the id `007` does not become the number 7; an empty cell
 * is null. Fails as {@link readCsv} does.
 */
export function readTextRows<Column extends string>(
  path: string,
  columns: readonly Column[],
): (Record<Column, string | null> & Record<string, string | null>)[] {
  return parse(path, columns, "text").toRecords() as ReturnType<typeof readTextRows<Column>>;
}

function parse(path: string, columns: readonly string[], types: "infer" | "text"): DataFrame {
  const content = readText(path).replace(/^\uFEFF/, "");
  // Every row is looked at, since a column may turn out late to be text or fractional; 0 is none.
  const inferSchemaLength = types === "text" ? 0 : content.split("\n").length;
  let frame: DataFrame;
  try {
    frame = content.trim() === ""
      ? pl.DataFrame({})
      : pl.readCSV(Buffer.from(content), { inferSchemaLength });
  } catch (cause) {
    throw new Error(`cannot read table ${path}: ${(cause as Error).message}`, { cause });
  }
  const missing = columns.filter((name) => !frame.columns.includes(name));
  if (missing.length > 0) {
    const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
    throw new RangeError(
      `table ${path} lacks the column${missing.length > 1 ? "s" : ""} ${list(missing)}; ` +
        `it has ${list(frame.columns) || "none"}`,
    );
  }
  return frame;
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
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
  // polars' own writing to a path reports no error on a full disk.
  await writeWhole(path, new Uint8Array(frame.writeCSV()));
}
