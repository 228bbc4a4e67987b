/** An experiment through a real, throw-away Slurm of this machine: `deno task cluster:run` (see `--help`). */
import { resolve } from "node:path";
import { runExperiment } from "./cluster/experiment.ts";
import { CannotInstall, install } from "./cluster/install.ts";
import { inOwnNamespaces, Slurm } from "./cluster/slurm.ts";
import {
  checking,
  needFile,
  needFolderOrNothing,
  numberOption,
  parseOptions,
  refuseEmpty,
  runCommand,
} from "./command.ts";

const HELP = `Runs an experiment of workflows/ through a throw-away Slurm of this machine.

deno task cluster:run --experiment FILE --out DIR [--cores N]

  --experiment FILE  e.g. workflows/experiments/reduced.yaml
  --out DIR          gets the results; called again, what is finished is kept
  --cores N          that Slurm gives to jobs (default: all)

Needs Linux, root and the registries of Debian and PyPI; says in one line where it cannot install what
it needs.

Exit: 0 done, 1 failed or not to be installed here, 2 the command cannot be run.`;

interface Options {
  file: string;
  out: string;
  cores?: number;
}

async function parse(args: string[]): Promise<Options> {
  const { values } = parseOptions({
    args,
    allowPositionals: false,
    options: {
      experiment: { type: "string" },
      out: { type: "string" },
      cores: { type: "string" },
    },
  });
  refuseEmpty(values);
  const { experiment, out } = values;
  if (experiment === undefined || out === undefined) {
    throw new RangeError("--experiment and --out are needed (see --help)");
  }
  await needFile("experiment", experiment);
  await needFolderOrNothing("out", out);
  const cores = numberOption(
    "cores",
    values.cores,
    "an integer >= 1",
    (v) => Number.isInteger(v) && v >= 1,
  );
  return { file: resolve(experiment), out: resolve(out), cores };
}

async function run(args: string[]): Promise<number> {
  const { file, out, cores } = await checking(() => parse(args));
  let bin: string;
  try {
    bin = await install();
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    throw new Error(`the cluster cannot be installed here: ${error.message}`, { cause: error });
  }
  const code = await inOwnNamespaces(new URL(import.meta.url).pathname, args);
  if (code !== null) return code;
  const slurm = await Slurm.start({ cores });
  const start = performance.now();
  const say = (line: string) =>
    console.log(`${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s  ${line}`);
  try {
    return await runExperiment({ bin, file, out, say }) === 0 ? 0 : 1;
  } finally {
    await slurm.end();
  }
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => run(Deno.args)));
}
