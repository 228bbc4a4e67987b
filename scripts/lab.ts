/** JupyterLab on the notebooks, with everything installed: `deno task lab [JupyterLab's options]`. */
import { join } from "node:path";
import { PROJECT_ROOT } from "../lib/workspace.ts";
import { ensureJupyter, venvProgram } from "./jupyter.ts";

await ensureJupyter();
const { code } = await new Deno.Command(venvProgram("jupyter"), {
  args: ["lab", "--notebook-dir", join(PROJECT_ROOT, "notebooks"), ...Deno.args],
}).spawn().status;
Deno.exit(code);
