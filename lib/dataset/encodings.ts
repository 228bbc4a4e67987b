/** A split's table of run-length encodings. */
import { checkId } from "../base/mod.ts";
import { EMPTY_RLE } from "../annotation/mod.ts";
import { checkColumns, readTable } from "../tables/mod.ts";
import { stem } from "./files.ts";

/** Names of the columns, as this project, Kaggle and others write them; in any case. */
const ID_COLUMNS = ["id", "img", "image", "image_id", "imageid"];
const ENCODING_COLUMNS = ["predicted", "encoding", "rle", "encodedpixels"];

/** What Excel keeps of a cell; of an encoding, it would be some of the crypts. */
const EXCEL_CELL = 32767;

/**
 * Id to encoding, in the table's order.
 *
 * @throws {RangeError} naming the table and the line of an id that is no name or occurs twice, or of an
 *   encoding that Excel has cut
 */
export function readEncodings(path: string): Map<string, string> {
  const { names, rows } = readTable(path), encodings = new Map<string, string>();
  const idColumn = columnOf(path, names, ID_COLUMNS, "id");
  const encodingColumn = columnOf(path, names, ENCODING_COLUMNS, "predicted");
  checkColumns(path, names, [idColumn ?? "id", encodingColumn ?? "predicted"]);
  const [idAt, encodingAt] = [names.indexOf(idColumn!), names.indexOf(encodingColumn!)];
  for (const { line, cells } of rows) {
    const where = `${path}, line ${line}`, name = cells[idAt].trim();
    if (name === "") throw new RangeError(`${where} has no id`);
    const id = checkId(stem(name), where);
    if (encodings.has(id)) throw new RangeError(`${where} repeats the id "${id}"`);
    const encoding = cells[encodingAt].trim();
    if (encoding.length === EXCEL_CELL) {
      throw new RangeError(
        `${where}: the encoding of "${id}" is cut at ${EXCEL_CELL} characters, as Excel does: ` +
          "take the table as it was before",
      );
    }
    encodings.set(id, encoding || EMPTY_RLE);
  }
  return encodings;
}

function columnOf(
  path: string,
  names: readonly string[],
  accepted: readonly string[],
  what: string,
): string | undefined {
  const found = names.filter((name) => accepted.includes(name.toLowerCase()));
  if (found.length <= 1) return found[0];
  // The project's own name decides; otherwise nobody can say which one is meant.
  const own = found.find((name) => name === what);
  if (own !== undefined) return own;
  throw new RangeError(`table ${path} has several columns for "${what}": ${found.join(", ")}`);
}
