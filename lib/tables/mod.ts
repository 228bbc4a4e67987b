/** Tables in and out. */
export { checkColumnNames, type KnownColumns } from "./columns.ts";
export { checkColumns, readCsv, readTable, readTextRows, type TextTable, writeCsv } from "./csv.ts";
