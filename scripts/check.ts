/** Type-checks the sources, the examples in their comments and the notebooks' cells: part of `deno task check`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import { checkCellFormat, checkCells } from "./cells.ts";
import { NOTEBOOKS } from "./notebooks.ts";

const folders = ["lib", "scripts", "tests", "bench"].map((name) => join(PROJECT_ROOT, name));
const { success } = await new Deno.Command(Deno.execPath(), {
  args: ["check", "--quiet", "--doc", ...folders],
  stdout: "inherit",
  stderr: "inherit",
}).spawn().status;
const notebooks = NOTEBOOKS.map((name) => join(PROJECT_ROOT, "notebooks", `${name}.ipynb`));
const messages = await checkCells(notebooks) + await checkCellFormat(notebooks);
if (messages) console.error(messages);
if (!success || messages) Deno.exit(1);
console.log(
  `Types are sound in ${folders.length} folders, their examples and ${NOTEBOOKS.length} notebooks.`,
);
