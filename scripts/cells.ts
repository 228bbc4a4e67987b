/** The code cells of a notebook as one TypeScript module, so that they can be type-checked. */
import { basename, dirname, join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";

interface NotebookFile {
  cells: { cell_type: string; source: string | string[] }[];
}

/**
 * Joins a notebook's code cells in order.
 *
 * Cells share one scope in the kernel as statements share a module, so a name that a cell forgot to
 * import or declared twice is an error here too. A comment with the cell's number precedes each.
 */
export function cellsModule(notebook: NotebookFile): string {
  const parts = notebook.cells.flatMap((cell, i) =>
    cell.cell_type !== "code" ? [] : [
      `// cell ${i + 1}\n${Array.isArray(cell.source) ? cell.source.join("") : cell.source}\n`,
    ]
  );
  return `export {};\n${parts.join("\n")}`;
}

/**
 * Type-checks the cells of `notebooks` (paths).
 *
 * The modules are written beside their notebooks, because relative imports start there, and removed.
 *
 * @returns the compiler's messages, empty when all is well
 */
export async function checkCells(notebooks: string[]): Promise<string> {
  const modules: string[] = [];
  try {
    for (const path of notebooks) {
      const notebook = JSON.parse(await Deno.readTextFile(path)) as NotebookFile;
      const module = join(dirname(path), `.part-cells-${basename(path, ".ipynb")}.ts`);
      await Deno.writeTextFile(module, cellsModule(notebook));
      modules.push(module);
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", ...modules],
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  } finally {
    for (const module of modules) await Deno.remove(module).catch(() => {});
  }
}

/** The code cells of a notebook that `deno fmt` would write otherwise, with what it would write. */
async function unformatted(notebook: NotebookFile) {
  const found: { number: number; cell: NotebookFile["cells"][number]; wanted: string }[] = [];
  for (const [i, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== "code") continue;
    const { source } = cell;
    const text = (Array.isArray(source) ? source.join("") : source) + "\n";
    // One line per import: broken up by name, the cell would fill a page.
    if (/^(import [^;]*;\n)+$/.test(text)) continue;
    const wanted = await formatted(text);
    if (wanted !== text) found.push({ number: i + 1, cell, wanted });
  }
  return found;
}

/**
 * Whether the code cells of `notebooks` (paths) are formatted as `deno fmt` would. The notebooks as a
 * whole are not given to it: 2.9.6 refuses them while its cache is cold.
 *
 * @returns the formatter's wish for each cell that differs, empty when all is well
 */
export async function checkCellFormat(notebooks: string[]): Promise<string> {
  const messages: string[] = [];
  for (const path of notebooks) {
    const notebook = JSON.parse(await Deno.readTextFile(path)) as NotebookFile;
    for (const { number, wanted } of await unformatted(notebook)) {
      messages.push(`${basename(path)}, cell ${number} should be formatted as\n${wanted}`);
    }
  }
  return messages.join("\n");
}

async function formatted(source: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext", "ts", "-"],
    cwd: PROJECT_ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  return new TextDecoder().decode(success ? stdout : stderr);
}

if (import.meta.main) {
  for (const path of Deno.args) {
    const notebook = JSON.parse(await Deno.readTextFile(path)) as NotebookFile;
    for (const { cell, wanted } of await unformatted(notebook)) {
      cell.source = wanted.trimEnd().split(/(?<=\n)/);
    }
    await Deno.writeTextFile(path, JSON.stringify(notebook, null, 1) + "\n");
  }
}
