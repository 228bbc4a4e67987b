/**
 * `deno task infer` on a folder of drawn images with the bundled model, from a cold start, as one
 * process and as several: wall time, processor time and memory of all processes together, and what
 * other work took of the cores meanwhile (it should be nothing).
 * `[IMAGES] [SIDE] [ROUNDS]`, by default 12 images of 1000 px and 5 rounds. The ways take turns in
 * every round; medians, and the median of the rounds' ratios to one process with all cores.
 */
import { join } from "node:path";
import { loadavg } from "node:os";
import { PROJECT_ROOT } from "crypts/base";
import { writeRgb } from "crypts/image";
import { drawTeaching } from "crypts/synthetic";
import { median, printMachine, printTable } from "./machine.ts";

const [count, side, rounds] = [12, 1000, 5].map((value, i) => Number(Deno.args[i] ?? value));
const cores = navigator.hardwareConcurrency;

/** What is compared; the first is the default of the command. */
const WAYS = [
  { workers: 1, threads: cores },
  { workers: 1, threads: 1 },
  { workers: cores, threads: 1 },
  { workers: cores, threads: 2 },
].filter(({ workers, threads }, i, all) =>
  i === all.findIndex((way) => way.workers === workers && way.threads === threads)
);

interface Run {
  seconds: number;
  processorSeconds: number;
  /** Cores that other processes kept busy, on average. */
  others: number;
  /** The most that was resident at once, sampled. */
  megabytes: number;
}

printMachine();
const folder = await Deno.makeTempDir();
try {
  await drawImages(join(folder, "images"));
  console.log(
    `${count} images of ${side} x ${side} px, 1.24 µm per pixel; ${rounds} rounds; ` +
      `load before: ${loadavg()[0].toFixed(2)} runnable processes\n`,
  );
  const runs: Run[][] = WAYS.map(() => []);
  await segment(WAYS[0], "warm"); // Fills the caches of files.
  for (let round = 0; round < rounds; round++) {
    // Forwards and backwards in turn: what heats up or fills does not favour one of them.
    const order = WAYS.map((_, k) => round % 2 ? WAYS.length - 1 - k : k);
    for (const k of order) runs[k].push(await segment(WAYS[k], `${round}_${k}`));
  }
  printTable([
    [
      "workers x threads",
      "s",
      "images/s",
      "x default",
      "processor s",
      "cores busy",
      "by others",
      "MiB",
    ],
    ...WAYS.map(({ workers, threads }, k) => {
      const of = (key: keyof Run) => median(runs[k].map((run) => run[key]));
      const ratio = median(runs[k].map(({ seconds }, r) => runs[0][r].seconds / seconds));
      return [
        `${workers} x ${threads}`,
        of("seconds").toFixed(1),
        (count / of("seconds")).toFixed(2),
        ratio.toFixed(2),
        of("processorSeconds").toFixed(1),
        median(runs[k].map((run) => run.processorSeconds / run.seconds)).toFixed(2),
        of("others").toFixed(2),
        of("megabytes").toFixed(0),
      ];
    }),
  ]);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function drawImages(to: string): Promise<void> {
  await Deno.mkdir(to);
  const rows = ["image,id,pixel_size_um"];
  for (let i = 0; i < count; i++) {
    const { image } = drawTeaching(18, i, { side, pixelSize: 1.24 });
    await writeRgb(join(to, `${i}.tiff`), image);
    rows.push(`${i}.tiff,image${i},1.24`);
  }
  await Deno.writeTextFile(join(to, "list.csv"), rows.join("\n") + "\n");
}

/** Runs the command once. @throws {Error} with what it says where it fails */
async function segment(way: { workers: number; threads: number }, name: string): Promise<Run> {
  const start = performance.now(), busyBefore = busySeconds();
  const child = new Deno.Command("bash", {
    // The shell's own `time` knows what all descendants used.
    args: [
      ...["-c", 'TIMEFORMAT="%U %S"; time "$@" 2>&1', "", Deno.execPath(), "run", "-A"],
      ...["--config", join(PROJECT_ROOT, "deno.json"), join(PROJECT_ROOT, "scripts/infer.ts")],
      ...["--images", join(folder, "images/list.csv"), "--out", join(folder, name)],
      ...["--workers", `${way.workers}`],
      // Of each process.
      ...["--threads", `${way.threads}`],
    ],
    ...{ stdout: "piped", stderr: "piped" },
  }).spawn();
  let megabytes = 0;
  const sampler = setInterval(() => megabytes = Math.max(megabytes, residentBelow(child.pid)), 200);
  const { code, stdout, stderr } = await child.output();
  clearInterval(sampler);
  const seconds = (performance.now() - start) / 1000, text = new TextDecoder();
  if (code !== 0) throw new Error(`infer ended with ${code}: ${text.decode(stdout)}`);
  const used = text.decode(stderr).trim().split("\n").at(-1)!.split(" ").map(Number);
  const processorSeconds = used[0] + used[1];
  const others = Math.max(0, busySeconds() - busyBefore - processorSeconds) / seconds;
  return { seconds, processorSeconds, others, megabytes };
}

/** Seconds that all cores have been busy since the machine's start (Linux; elsewhere NaN). */
function busySeconds(): number {
  try {
    const [user, nice, system, , , irq, soft, steal] = Deno.readTextFileSync("/proc/stat")
      .split("\n")[0].split(/\s+/).slice(1).map(Number);
    return (user + nice + system + irq + soft + steal) / 100;
  } catch {
    return NaN;
  }
}

/** MiB of a process and all its descendants (Linux; elsewhere 0). */
function residentBelow(root: number): number {
  const parents = new Map<number, number>(), pages = new Map<number, number>();
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        parents.set(Number(name), Number(fields[1]));
        pages.set(Number(name), Number(fields[21]));
      } catch {
        // It has ended.
      }
    }
  } catch {
    return 0;
  }
  const isBelow = (process: number | undefined): boolean =>
    process !== undefined && (process === root || isBelow(parents.get(process)));
  let sum = 0;
  for (const [process, count] of pages) if (isBelow(process)) sum += count;
  return sum * 4096 / 2 ** 20;
}
