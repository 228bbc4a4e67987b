/** Tables in and out. */
export { checkColumns, readCsv, readTable, readTextRows, type TextTable, writeCsv } from "./csv.ts";
