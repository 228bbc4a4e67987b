/** CSV text to rows of cells, every one of them as wide as the header (RFC 4180). */

/** A row and where it begins. */
export interface CsvRow {
  /** From 1, as editors count; a quoted cell may span several lines. */
  line: number;
  cells: string[];
}

/**
 * Splits CSV text into rows; blank lines and lines of commas only are left out.
 *
 * @param what names the source in errors, e.g. `table a.csv`
 * @throws {RangeError} naming `what` and the line of a row that has another number of cells than the
 *   header, or of a quote that does not end
 */
export function parseCsv(text: string, what: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let cells: string[] = [], line = 1, begin = 1;
  const finish = () => {
    const blank = cells.every((cell) => cell.trim() === "");
    const header = rows[0]?.cells.length ?? cells.length;
    if (!blank && cells.length !== header) {
      const separator = otherSeparator(rows[0].cells);
      throw new RangeError(
        `${what}: line ${begin} has ${cells.length} cells, the header has ${header}` +
          (separator === null ? "" : `; ${separator}`),
      );
    }
    if (!blank) rows.push({ line: begin, cells });
    cells = [];
  };
  for (let at = text.startsWith("\uFEFF") ? 1 : 0; at <= text.length;) {
    const { cell, next, lines } = text[at] === '"'
      ? quoted(text, at, `${what}: line ${line}`)
      : plain(text, at);
    cells.push(cell);
    line += lines;
    const end = text[next];
    at = next + 1;
    if (end === ",") continue;
    if (end === "\r" && text[next + 1] === "\n") at++;
    finish();
    begin = ++line;
  }
  return rows;
}

/** What is wrong where a header that should have several columns is one cell; null where nothing is. */
export function otherSeparator(names: readonly string[]): string | null {
  const separator = names.length === 1 ? /[;\t]/.exec(names[0])?.[0] : undefined;
  if (separator === undefined) return null;
  return `it is separated by ${separator === ";" ? "semicolons" : "tabs"}, expected commas`;
}

interface Cell {
  cell: string;
  /** Where the comma or line break behind it is. */
  next: number;
  /** Line breaks in it. */
  lines: number;
}

/** The end of a cell; a bare carriage return ends a line, too. */
const CELL_END = /[,\r\n]/g;

function plain(text: string, at: number): Cell {
  CELL_END.lastIndex = at;
  const next = CELL_END.exec(text)?.index ?? text.length;
  return { cell: text.slice(at, next), next, lines: 0 };
}

function quoted(text: string, at: number, where: string): Cell {
  const parts: string[] = [];
  for (let from = at + 1;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw new RangeError(`${where} has a quote that does not end`);
    parts.push(text.slice(from, quote));
    if (text[quote + 1] === '"') {
      parts.push('"');
      from = quote + 2;
      continue;
    }
    const next = quote + 1;
    if (next < text.length && !",\r\n".includes(text[next])) {
      throw new RangeError(`${where} has text behind a closing quote`);
    }
    const cell = parts.join("");
    return { cell, next, lines: cell.split("\n").length - 1 };
  }
}
