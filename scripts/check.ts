/** Type-checks the sources, examples in comments and docs, and the notebooks' cells: part of `deno task check`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import { checkCellFormat, checkCells } from "./cells.ts";
import { NOTEBOOKS } from "./notebooks.ts";

const folders = ["lib", "scripts", "tests", "bench"].map((name) => join(PROJECT_ROOT, name));
const pages = Array.from(Deno.readDirSync(join(PROJECT_ROOT, "docs")), ({ name }) => name)
  .filter((name) => name.endsWith(".md")).map((name) => join(PROJECT_ROOT, "docs", name));

async function check(args: string[]): Promise<boolean> {
  const options = { args: ["check", "--quiet", ...args], stdout: "inherit", stderr: "inherit" };
  return (await new Deno.Command(Deno.execPath(), options as Deno.CommandOptions).spawn().status)
    .success;
}

const success = await check(["--doc", ...folders]) &&
  await check(["--doc-only", join(PROJECT_ROOT, "README.md"), ...pages]);
const notebooks = NOTEBOOKS.map((name) => join(PROJECT_ROOT, "notebooks", `${name}.ipynb`));
const messages = await checkCells(notebooks) + await checkCellFormat(notebooks);
if (messages) console.error(messages);
if (!success || messages) Deno.exit(1);
console.log(
  `Types are sound in ${folders.length} folders, their examples and ${NOTEBOOKS.length} notebooks.`,
);
