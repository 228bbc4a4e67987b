/** An experiment of the workflows through the throw-away Slurm, from its trainings to its table. */
import { join } from "node:path";
import { lockFolder } from "crypts/base";
import { Engine, type EngineOptions, unlock } from "./engine.ts";
import { sleep } from "./slurm.ts";

/** What is run, and where. */
export interface ExperimentRun {
  /** The folder of the `snakemake` command. */
  bin: string;
  /** A file like those in `workflows/experiments/`. */
  file: string;
  /** Gets the results, Snakemake's own files and its log. */
  out: string;
  say: (line: string) => void;
}

/** Lines of Snakemake's log that tell how far it is. */
const NEWS = /^(Finished jobid: .*|\d+ of \d+ steps .*|Error in rule .*|.*Trying to restart .*)$/gm;

/**
 * Runs Snakemake to its end; what an earlier run of this folder has finished is kept.
 *
 * @returns Snakemake's exit code
 * @throws {Error} where another run works in the folder
 */
export async function runExperiment({ bin, file, out, say }: ExperimentRun): Promise<number> {
  await Deno.mkdir(out, { recursive: true });
  await using _lock = await lockFolder(out, "an experiment");
  const options: EngineOptions = {
    ...{ bin, folder: out },
    config: ["--configfile", file, "--config", `out=${out}`],
  };
  // Nobody else is here: a lock of Snakemake's is that of a dead one.
  await unlock(options);
  const engine = Engine.start(options, "snakemake");
  let ended = false, told = 0;
  const end = engine.end().finally(() => ended = true);
  do {
    await sleep(1000);
    const news = (await Deno.readTextFile(engine.log).catch(() => "")).match(NEWS) ?? [];
    for (const line of news.slice(told)) say(line);
    told = news.length;
  } while (!ended);
  const code = await end;
  say(`Snakemake ended with ${code}; its log is ${join(out, "snakemake.log")}`);
  return code;
}
