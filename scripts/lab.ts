/** JupyterLab on the notebooks, with everything installed: `deno task lab [JupyterLab's options]`. */
import { PROJECT_ROOT } from "crypts/base";
import { runCommand } from "./command.ts";
import { ensureJupyter, venvProgram } from "./jupyter.ts";

Deno.exit(
  await runCommand(async () => {
    await ensureJupyter();
    const { code } = await new Deno.Command(venvProgram("jupyter"), {
      args: ["lab", "--notebook-dir", PROJECT_ROOT, ...Deno.args],
    }).spawn().status;
    return code;
  }),
);
