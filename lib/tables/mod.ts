/** Tables in and out. */
export { readCsv, readTextRows, writeCsv } from "./csv.ts";
