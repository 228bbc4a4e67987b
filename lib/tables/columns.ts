/** Columns of a table that are not read: misspelt ones are refused, others are named. */
import { editDistance, notice } from "../base/mod.ts";
import { otherSeparator } from "./records.ts";

/** Words of their own that are one letter from a column's name. */
const ORDINARY = ["task", "mark", "mass"];

/** Which columns a table may have. */
export interface KnownColumns {
  /** Those that are read. */
  read: readonly string[];
  /** Those that are there for others: passed over without a word. */
  passed?: readonly string[];
  /** What other programs call a column: letters and digits of their name in lower case, to ours. */
  aliases?: Readonly<Record<string, string>>;
}

/**
 * Refuses a column whose name is nearly one that is read, since its values would be missing; all
 * other columns are named in one notice.
 *
 * @param path names the table in errors
 * @param names the table's columns
 * @throws {RangeError} naming the table, the column and the one that it nearly is
 * @example
 * ```ts
 * import { checkColumnNames } from "crypts/tables";
 * checkColumnNames("a.csv", ["image", "msak"], { read: ["image", "mask"] }); // throws: is it "mask"?
 * ```
 */
export function checkColumnNames(
  path: string,
  names: readonly string[],
  { read, passed = [], aliases = {} }: KnownColumns,
): void {
  const separator = otherSeparator(names);
  if (separator !== null) throw new RangeError(`table ${path}: ${separator}`);
  const others: string[] = [];
  for (const name of names) {
    if (read.includes(name) || passed.includes(name)) continue;
    const meant = meantBy(name, read, aliases);
    if (meant === null) {
      others.push(name);
      continue;
    }
    throw new RangeError(
      `table ${path} has the column "${name}", which is not read: is it "${meant}"? ` +
        `Columns that are read are ${read.join(", ")}`,
    );
  }
  if (others.length === 0) return;
  const list = others.map((name) => `"${name}"`).join(", ");
  notice(`table ${path}: not read: ${list}; columns that are read are ${read.join(", ")}`);
}

/** The column that a name nearly is, or null. */
function meantBy(
  name: string,
  read: readonly string[],
  aliases: Readonly<Record<string, string>>,
): string | null {
  const plain = (text: string) =>
    text.toLowerCase().replaceAll(/[µμ]/g, "u").replaceAll(/[^a-z0-9]/g, "");
  const own = plain(name);
  if (Object.hasOwn(aliases, own)) return aliases[own];
  if (ORDINARY.includes(own)) return null;
  return read.find((column) => {
    const other = plain(column), most = other.length < 3 ? 0 : other.length < 6 ? 1 : 3;
    return editDistance(own, other) <= most;
  }) ?? null;
}
