/** JupyterLab on the notebooks, with everything installed: `deno task lab [JupyterLab's options]`. */
import { PROJECT_ROOT } from "crypts/base";
import { runCommand } from "./command.ts";
import { join } from "node:path";
import { ensureJupyter, trustNotebooks, venvProgram } from "./jupyter.ts";
import { NOTEBOOKS } from "./notebooks.ts";

Deno.exit(
  await runCommand(async () => {
    await ensureJupyter("lab");
    await trustNotebooks(NOTEBOOKS.map((name) => join(PROJECT_ROOT, "notebooks", `${name}.ipynb`)));
    const { code } = await new Deno.Command(venvProgram("jupyter"), {
      args: ["lab", "--notebook-dir", PROJECT_ROOT, ...Deno.args],
    }).spawn().status;
    return code;
  }),
);
