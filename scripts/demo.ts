/** The main job: the five notebooks on the built-in data with the `demo` profile. */
import { join } from "node:path";
import { readCsv } from "crypts/tables";
import { PROJECT_ROOT } from "crypts/base";
import { BUILT_IN_DATA, formatSeconds, openWorkspace, shortPath } from "crypts/notebook";
import { checking, parseOptions, runCommand } from "./command.ts";
import { executeAll, NOTEBOOKS } from "./notebooks.ts";

const HELP = `Runs the five notebooks on the built-in data with the profile demo.

deno task demo

Other data, profiles and folders: deno task notebooks --help.`;

/** Runs the notebooks and prints what came out. */
async function demo(): Promise<void> {
  const { values } = await checking(() => {
    const options = { help: { type: "boolean" } } as const;
    return parseOptions({ args: Deno.args, allowPositionals: false, options });
  });
  if (values.help) return console.log(HELP);
  const data = join(PROJECT_ROOT, BUILT_IN_DATA);
  const begin = performance.now();
  const executions = await executeAll(NOTEBOOKS, { data, profile: "demo" });

  const workspace = await openWorkspace({ data });
  const report = readCsv(join(workspace.results, "dice_report_submission.csv"), ["img", "dice"]);
  console.log("\nDice on the built-in test images");
  for (const { img, dice } of report.toRecords() as { img: string; dice: number }[]) {
    console.log(`  ${img.padEnd(28)} ${Number(dice).toFixed(4)}`);
  }
  const peak = Math.max(...executions.map((e) => e.peakMegabytes));
  const seconds = (performance.now() - begin) / 1000;
  console.log(
    `\nFive notebooks in ${formatSeconds(seconds)}, peak memory ${(peak / 1024).toFixed(1)} GB.\n` +
      `Look at ${shortPath(join(workspace.root, "executed"))}/*.ipynb, ` +
      `${shortPath(workspace.overlays)}/ and ${shortPath(workspace.vizOverlays)}/, ` +
      "or run: deno task lab",
  );
}

Deno.exit(await runCommand(demo));
