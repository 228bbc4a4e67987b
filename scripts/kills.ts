/**
 * Kills runs at random moments and starts them again until they are done: `deno task kills [N]`.
 * Some of the starts have other settings. In the end the files must be those of a run that was never
 * killed, byte for byte, and nothing else may lie there. Figures in `docs/robustness.md`.
 */
import "./quiet_libraries.ts";
import { join } from "node:path";
import { createRandom, digestFile, PROJECT_ROOT } from "crypts/base";
import { checking, numberOption, parseOptions, runCommand } from "./command.ts";

/** What is killed, see `kills_work.ts`; each ends by printing "done". */
const STEPS = ["patches", "training", "features"] as const;
type Step = typeof STEPS[number];
const WORK = join(PROJECT_ROOT, "scripts/kills_work.ts");

/** Digests remembered by times of files: these differ between runs, and are no result. */
const INDEX = /(^|\/)\.[^/]*digests\.json$/;

const HELP = `Kills patch cutting, training and feature computation at random moments.

deno task kills [options] [N]

  N              kills in all, an integer >= 1 (default 60)
  --only STEP    ${STEPS.join(", ")} (default: all, in turn)
  --seed N       of the moments (default 0)

Exit: 0 every run ended with the same bytes and no leftovers, 1 one did not, 2 bad options.`;

/** What one step came to. */
interface Tally {
  runs: number;
  kills: number;
  /** Kills of starts with other settings. */
  others: number;
  /** Starts that were needed, the finished one of each run included. */
  starts: number;
  faults: string[];
}

/**
 * Starts a step in a process of its own and kills it `after` ms from its start of work.
 *
 * @param after null: never
 * @param settings other ones than those of the run that is compared in the end
 * @returns ms of work, and whether it was killed
 */
async function start(
  step: Step,
  data: string,
  folder: string,
  after: number | null,
  settings: "own" | "other" = "own",
): Promise<{ ms: number; killed: boolean }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", WORK, step, data, folder, settings],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let begun = 0, done = 0, text = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (!begun && text.includes("begin")) {
      begun = performance.now();
      if (after !== null) timer = setTimeout(() => kill(child), after);
    }
    if (text.includes("done")) done = performance.now();
  }
  const { signal, code } = await child.status;
  clearTimeout(timer);
  if (signal === "SIGKILL") return { ms: performance.now() - begun, killed: true };
  if (code !== 0) throw new Error(`${step} failed after a kill: ${(await errors).trim()}`);
  return { ms: done - begun, killed: false };
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It had just ended by itself.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Digest of every file below `folder` but the indexes of digests. */
async function contents(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const visit = async (prefix: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(folder, prefix))) {
      const path = join(prefix, name);
      if (isDirectory) await visit(path);
      else if (!INDEX.test(path)) found.set(path, await digestFile(join(folder, path)));
    }
  };
  await visit("");
  return found;
}

function compare(wanted: Map<string, string>, found: Map<string, string>): string[] {
  const faults = [];
  for (const [path, digest] of wanted) {
    if (!found.has(path)) faults.push(`${path} is missing`);
    else if (found.get(path) !== digest) faults.push(`${path} differs`);
  }
  for (const path of found.keys()) if (!wanted.has(path)) faults.push(`${path} was left over`);
  return faults;
}

/** Runs of one step, each killed up to four times, until `kills` are reached. */
async function torment(step: Step, kills: number, seed: number, root: string): Promise<Tally> {
  const random = createRandom(seed).fork(step), data = join(root, "data");
  const whole = join(root, `${step}_whole`);
  const { ms } = await start(step, data, whole, null);
  const wanted = await contents(whole);
  console.log(`${step}: ${(ms / 1000).toFixed(1)} s and ${wanted.size} files when never killed`);
  const tally: Tally = { runs: 0, kills: 0, others: 0, starts: 0, faults: [] };
  while (tally.kills < kills) {
    const folder = join(root, `${step}_${tally.runs}`), most = 1 + random.int(4);
    for (let own = 0, finished = false; !finished;) {
      const again = own < most && tally.kills < kills;
      // Every third start that is to be killed is of other settings: nothing of it may stay.
      const settings = again && random.next() < 1 / 3 ? "other" : "own";
      // A run that ends before its kill is compared as it is.
      const after = again ? random.uniform(0, ms) : null;
      const { killed } = await start(step, data, folder, after, settings);
      tally.starts++;
      if (killed) {
        own++;
        tally.kills++;
        if (settings === "other") tally.others++;
      }
      finished = !killed && settings === "own";
    }
    tally.runs++;
    const faults = compare(wanted, await contents(folder));
    tally.faults.push(...faults.map((fault) => `run ${tally.runs}: ${fault}`));
    await Deno.remove(folder, { recursive: true });
  }
  return tally;
}

function parse(args: string[]) {
  const { values, positionals } = parseOptions({
    args,
    allowPositionals: true,
    options: {
      only: { type: "string" },
      seed: { type: "string", default: "0" },
      help: { type: "boolean", default: false },
    },
  });
  if (positionals.length > 1) {
    throw new RangeError(`one number of kills, got ${positionals.join(" ")}`);
  }
  const kills = Number(positionals[0] ?? 60);
  if (!(Number.isInteger(kills) && kills >= 1)) {
    throw new RangeError(`the number of kills must be an integer >= 1, got "${positionals[0]}"`);
  }
  const seed = numberOption("seed", values.seed, "an integer", Number.isInteger)!;
  const steps = STEPS.filter((step) => values.only === undefined || step === values.only);
  if (steps.length === 0) {
    throw new RangeError(`--only must be one of ${STEPS.join(", ")}, got "${values.only}"`);
  }
  return { kills, seed, steps, help: values.help };
}

/** Runs the command. @returns the exit code */
export function kills(args: string[]): Promise<number> {
  return runCommand(async () => {
    const options = await checking(() => parse(args));
    if (options.help) return console.log(HELP);
    const root = await Deno.makeTempDir({ prefix: "crypts_kills_" });
    let faults = 0;
    try {
      await start("patches", join(root, "data"), join(root, "unused"), null);
      for (const [i, step] of options.steps.entries()) {
        const share = Math.floor(options.kills / options.steps.length);
        const own = i === 0 ? options.kills - share * (options.steps.length - 1) : share;
        const tally = own > 0 ? await torment(step, own, options.seed, root) : null;
        if (!tally) continue;
        const { runs, kills, others, starts } = tally, bad = tally.faults.length;
        console.log(
          `${step}: ${kills} kills (${others} under other settings) in ${runs} runs of ` +
            `${starts} starts, ${bad} faults`,
        );
        tally.faults.forEach((fault) => console.log(`  ${fault}`));
        faults += bad;
      }
    } finally {
      await Deno.remove(root, { recursive: true });
    }
    return faults === 0 ? 0 : 1;
  });
}

if (import.meta.main) Deno.exit(await kills(Deno.args));
