/** The plain array of Slurm jobs, with a task cancelled in between. */
import { join } from "node:path";
import { exists, PROJECT_ROOT } from "crypts/base";
import { BAD_SLIDE } from "./slides.ts";
import { call, must, sleep, type Slurm, until } from "./slurm.ts";
import { differences, summaryFaults } from "./verdict.ts";

/** What the array is run on. */
export interface ArrayPass {
  slurm: Slurm;
  folder: string;
  slides: string;
  good: string[];
  reference: string;
  say: (line: string) => void;
}

/** @returns what is wrong in the end; nothing where all is as it must be */
export async function runArray(pass: ArrayPass): Promise<string[]> {
  const { slurm, folder, slides, good, reference, say } = pass;
  const out = join(folder, "out");
  await Deno.mkdir(folder, { recursive: true });
  const submit = () =>
    must("bash", [join(PROJECT_ROOT, "workflows/slurm_array.sh"), "submit"], {
      cwd: folder,
      env: {
        ...{ IMAGES: slides, OUT: out, DENO: Deno.execPath() },
        MODELS: join(PROJECT_ROOT, "models/bundled/*.safetensors"),
      },
    });
  const finished = () =>
    until("the array has ended", async () => (await slurm.jobs()).length === 0, 600);
  await submit();
  await until("a task runs", async () => (await slurm.jobs("RUNNING")).length > 0);
  await sleep(1500);
  const [victim] = await slurm.jobs("RUNNING");
  await must("scancel", [victim]);
  say(`array of ${good.length + 1} tasks submitted, ${victim} cancelled while it ran`);
  await finished();
  const first = await summaryOf(out);
  const before = await Deno.stat(join(out, "masks", `${good.at(-1)}.tiff`));
  await submit();
  await finished();
  say(`after the first time ${first} slides done; submitted again`);
  const after = await Deno.stat(join(out, "masks", `${good.at(-1)}.tiff`));
  const faults = await differences(out, reference);
  faults.push(...summaryFaults(out, good, BAD_SLIDE));
  if (first < good.length - 1) faults.push(`only ${first} slides were done by the first array`);
  if (before.mtime!.getTime() !== after.mtime!.getTime()) faults.push("a slide was done twice");
  return faults;
}

async function summaryOf(out: string): Promise<number> {
  if (!await exists(join(out, "summary.csv"))) return 0;
  const { out: lines } = await call("grep", ["-c", ",done,", join(out, "summary.csv")]);
  return Number(lines.trim());
}
