/** The code cells of a notebook as one TypeScript module, so that they can be type-checked. */
import { basename, dirname, join } from "node:path";

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

/**
 * Whether the code cells of `notebooks` (paths) are formatted as `deno fmt` would. The notebooks as a
 * whole are not given to it: 2.9.6 refuses them while its cache is cold.
 *
 * @returns the formatter's messages by notebook and cell, empty when all is well
 */
export async function checkCellFormat(notebooks: string[]): Promise<string> {
  const messages: string[] = [];
  for (const path of notebooks) {
    const { cells } = JSON.parse(await Deno.readTextFile(path)) as NotebookFile;
    for (const [i, { cell_type, source }] of cells.entries()) {
      if (cell_type !== "code") continue;
      const text = (Array.isArray(source) ? source.join("") : source) + "\n";
      const child = new Deno.Command(Deno.execPath(), {
        args: ["fmt", "--check", "--ext", "ts", "-"],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(text));
      await writer.close();
      const { success, stdout, stderr } = await child.output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      if (!success) messages.push(`${basename(path)}, cell ${i + 1} is not formatted:\n${said}`);
    }
  }
  return messages.join("\n");
}
