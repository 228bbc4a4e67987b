/** One pass: the Segment workflow through Slurm, broken in seven ways, and what came of it. */
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import { readTextRows } from "crypts/tables";
import { SmallDisk } from "./disk.ts";
import { Engine, type EngineOptions, unlock } from "./engine.ts";
import { Holds } from "./holds.ts";
import { call, must, sleep, type Slurm, until } from "./slurm.ts";
import { BAD_SLIDE } from "./slides.ts";
import { attemptsOf, differences, summaryFaults } from "./verdict.ts";

/** What is done to whom. */
const VICTIMS = {
  scancel: "slide01",
  timeLimit: "slide02",
  engine: ["slide05", "slide06"],
} as const;

/** What a pass needs. */
export interface Pass {
  slurm: Slurm;
  /** The folder of the `snakemake` command. */
  bin: string;
  /** A folder of its own. */
  folder: string;
  slides: string;
  good: string[];
  /** Results of an undisturbed run. */
  reference: string;
  say: (line: string) => void;
}

/** Segments the slides by an undisturbed `deno task infer`: what every pass must come to. */
export async function segmentUndisturbed(slides: string, out: string): Promise<void> {
  await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--config", join(PROJECT_ROOT, "deno.json")],
      ...[join(PROJECT_ROOT, "scripts/infer.ts"), "--images", slides, "--out", out],
      ...["--threads", "1"],
    ],
    ...{ stdout: "null", stderr: "null" },
  }).output(); // Its exit code is 1: one slide cannot be read.
}

/** @returns what is wrong in the end; nothing where all is as it must be */
export async function runPass(pass: Pass): Promise<string[]> {
  const { folder, slides } = pass;
  await Deno.mkdir(folder, { recursive: true });
  const disk = await SmallDisk.mount(join(folder, "out"), 48);
  try {
    const holds = await Holds.create(join(folder, "holds"), disk.folder);
    for (const slide of [VICTIMS.scancel, VICTIMS.timeLimit, ...VICTIMS.engine]) {
      await holds.put(slide);
    }
    const options: EngineOptions = {
      ...{ bin: pass.bin, folder },
      config: [
        ...["--config", `images=${slides}`, `out=${disk.folder}`, `deno=${holds.command}`],
        ...["retries=4", "threads=1", "least_minutes=2"],
      ],
    };
    const code = await breakThings(pass, disk, holds, options);
    return await judge(pass, disk.folder, code);
  } finally {
    await disk.unmount();
  }
}

async function breakThings(
  { slurm, say }: Pass,
  disk: SmallDisk,
  holds: Holds,
  options: EngineOptions,
): Promise<number> {
  let engine = Engine.start(options, "first");
  await until("a job runs", async () => (await slurm.jobs("RUNNING")).length > 0);
  await disk.fill();
  say("the disk is full");
  await until("a job fails on the full disk", () => engine.says(/Error in rule slide/), 240);
  await disk.clear();
  say("a job has failed, the disk has room again");

  await until("the slide for scancel is held", () => holds.reached(VICTIMS.scancel), 300);
  await must("scancel", [await jobOf(VICTIMS.scancel)]);
  say(`scancel of ${VICTIMS.scancel} in the midst of its result`);

  for (const slide of [VICTIMS.timeLimit, ...VICTIMS.engine]) {
    await until(`${slide} is held`, () => holds.reached(slide), 300);
  }
  await slurm.stop("slurmd");
  await sleep(6000);
  await slurm.startNode();
  say("slurmd stopped for 6 s while jobs ran");
  await slurm.stop("slurmctld");
  await sleep(6000);
  await slurm.startController();
  say("slurmctld stopped for 6 s while jobs ran");

  await engine.kill();
  await unlock(options);
  engine = Engine.start(options, "second");
  say("Snakemake killed with SIGKILL, its jobs went on; started again");
  await until("jobs are submitted again", () => engine.says(/submitted with SLURM jobid/), 120);
  for (const slide of VICTIMS.engine) await holds.release(slide);
  const code = await engine.end();
  await until("Slurm has no job left", async () => (await slurm.jobs()).length === 0, 120);
  say(`Snakemake ended with ${code}`);
  return code;
}

async function jobOf(slide: string): Promise<string> {
  const queue = await must("squeue", ["-h", "-t", "RUNNING", "-o", "%i %k"]);
  const line = queue.split("\n").find((one) => one.endsWith(slide));
  if (!line) throw new Error(`no running job of ${slide} in:\n${queue}`);
  return line.split(" ")[0];
}

async function judge(pass: Pass, out: string, code: number): Promise<string[]> {
  const { good, reference, say } = pass;
  const faults = code === 0 ? [] : [`Snakemake ended with ${code}`];
  faults.push(...await differences(out, reference), ...summaryFaults(out, good, BAD_SLIDE));
  const failed = readTextRows(join(out, "failed.csv"), ["slide"]).map(({ slide }) => slide);
  if (`${failed}` !== BAD_SLIDE) faults.push(`failed.csv names ${failed}, not ${BAD_SLIDE} alone`);
  let found = 0, errors = 0;
  for (const slide of good) {
    const attempts = await attemptsOf(out, slide);
    found += attempts.found;
    errors += attempts.failed;
    // An attempt that was cut off may have come to its end all the same: the next one finds that.
    const computed = attempts.computed + attempts.cutOff;
    const most = await wasKilled(pass.folder, slide) ? 2 : 1;
    if (computed < 1 || computed > most) {
      faults.push(`${slide} was computed ${computed} times: ${JSON.stringify(attempts)}`);
    }
  }
  const logs = join(pass.folder, ".snakemake/slurm_logs");
  if ((await call("grep", ["-rqE", "DUE TO TIME LIMIT", logs])).code !== 0) {
    faults.push("no job was ended by its time limit");
  }
  say(`${errors} noted attempts failed, ${found} found the result of another`);
  return faults;
}

/** Whether Slurm has ended a job of this slide (by scancel or its time limit). */
async function wasKilled(folder: string, slide: string): Promise<boolean> {
  const logs = join(folder, ".snakemake/slurm_logs/rule_slide", slide);
  return (await call("grep", ["-rqE", "JOB [0-9]+ ON .* CANCELLED", logs])).code === 0;
}
