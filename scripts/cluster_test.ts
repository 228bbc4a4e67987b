/** The workflows on a real, throw-away Slurm, broken on purpose: `deno task cluster:test` (see `--help`). */
import { join } from "node:path";
import { runArray } from "./cluster/array.ts";
import { runPass, segmentUndisturbed } from "./cluster/faults.ts";
import { CannotInstall, install } from "./cluster/install.ts";
import { inOwnNamespaces, Slurm } from "./cluster/slurm.ts";
import { drawSlides } from "./cluster/slides.ts";
import { checking, numberOption, parseOptions, runCommand } from "./command.ts";

const HELP = `Runs the workflows on a throw-away Slurm of this machine and breaks things.

deno task cluster:test [options]

  --passes N   of the Segment workflow through Snakemake (default 3)
  --no-array   leaves the plain sbatch array out
  --keep       leaves the folder of the last pass for a look

Needs Linux, root (daemons, a small disk) and the registries of Debian and PyPI; says in one line where
it cannot install what it needs.

Exit: 0 all is as it must be, or it cannot be installed here, 1 something is not, 2 bad options.`;

/** Slides of the test; one of them cannot be read. */
const SLIDES = 12;

interface Options {
  passes: number;
  array: boolean;
  keep: boolean;
}

function parse(args: string[]): Options {
  const { values } = parseOptions({
    args,
    allowPositionals: false,
    options: {
      passes: { type: "string" },
      "no-array": { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
    },
  });
  const passes = numberOption(
    "passes",
    values.passes,
    "an integer >= 0",
    (v) => Number.isInteger(v) && v >= 0,
  );
  return { passes: passes ?? 3, array: !values["no-array"], keep: values.keep };
}

async function run(args: string[]): Promise<number> {
  const options = await checking(() => parse(args));
  let bin: string;
  try {
    bin = await install();
    const code = await inOwnNamespaces(new URL(import.meta.url).pathname, args);
    if (code !== null) return code;
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    console.log(`not run, the cluster cannot be installed here: ${error.message}`);
    return 0;
  }
  const folder = await Deno.makeTempDir({ prefix: "crypts-cluster-" });
  const slides = join(folder, "slides"), reference = join(folder, "reference");
  const good = await drawSlides(slides, SLIDES);
  await segmentUndisturbed(slides, reference);
  const slurm = await Slurm.start({ cores: 6 });
  let faults = 0;
  const attempt = async (name: string, work: (say: (l: string) => void) => Promise<string[]>) => {
    const start = performance.now();
    const say = (line: string) =>
      console.log(`${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s  ${line}`);
    console.log(name);
    const found = await work(say);
    faults += found.length;
    for (const fault of found) console.log(`WRONG: ${fault}`);
    say(found.length === 0 ? "as it must be" : `${found.length} faults`);
  };
  try {
    for (let k = 1; k <= options.passes; k++) {
      const own = join(folder, `pass${k}`);
      const pass = { slurm, bin, folder: own, slides, good, reference };
      await attempt(`pass ${k} of ${options.passes}`, (say) => runPass({ ...pass, say }));
    }
    if (options.array) {
      const array = { slurm, folder: join(folder, "array"), slides, good, reference };
      await attempt("the plain array", (say) => runArray({ ...array, say }));
    }
  } finally {
    await slurm.end();
    if (options.keep) console.log(folder);
    else await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
  return faults === 0 ? 0 : 1;
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => run(Deno.args)));
}
