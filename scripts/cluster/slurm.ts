/**
 * A throw-away Slurm of one node on this machine: munge, slurmctld and slurmd. Its configuration lies
 * in /etc/slurm (jobs' own `srun` looks nowhere else) and is removed in the end.
 */
import { join } from "node:path";
import { hostname } from "node:os";
import { exists } from "crypts/base";

const CONFIGURATION = "/etc/slurm/slurm.conf";
/** Begins our configurations; any other one is left alone. */
const MARK = "# throw-away configuration of deno task cluster:test";

/** Runs a program to its end. */
export async function call(program: string, args: string[], input?: Partial<Deno.CommandOptions>) {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, ...input }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** As {@link call}. @throws {Error} with what the program says where it fails */
export async function must(program: string, args: string[], input?: Partial<Deno.CommandOptions>) {
  const { code, out, err } = await call(program, args, input);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${err || out}`);
  return out.trim();
}

export const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** Waits until `test` holds. @throws {Error} naming `what` after `seconds` */
export async function until(
  what: string,
  test: () => boolean | Promise<boolean>,
  seconds = 120,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (!await test()) {
    if (performance.now() > end) throw new Error(`after ${seconds} s still not: ${what}`);
    await sleep(300);
  }
}

function configuration(folder: string, cores: number, megabytes: number): string {
  const host = hostname();
  return `${MARK}
ClusterName=throwaway
SlurmctldHost=${host}
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
SlurmctldTimeout=30
SlurmdTimeout=300
KillWait=5
OverTimeLimit=0
MinJobAge=3600
NodeName=${host} CPUs=${cores} RealMemory=${megabytes} State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`;
}

/** The daemons of a throw-away Slurm; each can be stopped and started. */
export class Slurm {
  private constructor(private readonly folder: string) {}

  /**
   * Writes the configuration and starts munge and both daemons.
   *
   * @param options.cores,megabytes what jobs may use; default all cores, 90% of the memory
   * @throws {Error} where a Slurm of somebody else is configured or running, or ours does not start
   */
  static async start(options: { cores?: number; megabytes?: number } = {}): Promise<Slurm> {
    if (await exists(CONFIGURATION)) {
      const text = await Deno.readTextFile(CONFIGURATION);
      if (!text.startsWith(MARK)) throw new Error(`${CONFIGURATION} is somebody's own: left alone`);
    }
    for (const daemon of ["slurmctld", "slurmd"]) {
      if ((await call("pgrep", ["-x", daemon])).code === 0) {
        throw new Error(`a ${daemon} runs on this machine already: left alone`);
      }
    }
    const folder = await Deno.makeTempDir({ prefix: "crypts-slurm-" });
    await Deno.chmod(folder, 0o755);
    for (const name of ["state", "spool"]) await Deno.mkdir(join(folder, name));
    const cores = options.cores ?? navigator.hardwareConcurrency;
    const megabytes = options.megabytes ??
      Math.floor(Deno.systemMemoryInfo().total / 2 ** 20 * 0.9);
    await Deno.mkdir("/etc/slurm", { recursive: true });
    await Deno.writeTextFile(CONFIGURATION, configuration(folder, cores, megabytes));
    const slurm = new Slurm(folder);
    await slurm.startMunge();
    await slurm.startController();
    await slurm.startNode();
    await until(
      "the node is idle",
      async () => (await call("sinfo", ["-h", "-o", "%T"])).out.trim() === "idle",
      60,
    );
    return slurm;
  }

  private async startMunge(): Promise<void> {
    if ((await call("pgrep", ["-x", "munged"])).code === 0) return;
    for (const name of ["/run/munge", "/var/log/munge", "/var/lib/munge", "/etc/munge"]) {
      await Deno.mkdir(name, { recursive: true });
      await must("chown", ["munge:munge", name]);
    }
    if (!await exists("/etc/munge/munge.key")) {
      await Deno.writeFile("/etc/munge/munge.key", crypto.getRandomValues(new Uint8Array(1024)));
      await must("chown", ["munge:munge", "/etc/munge/munge.key"]);
      await Deno.chmod("/etc/munge/munge.key", 0o400);
    }
    await must("setpriv", [
      ...["--reuid", "munge", "--regid", "munge", "--clear-groups"],
      "/usr/sbin/munged",
    ]);
  }

  startController(): Promise<string> {
    return must("/usr/sbin/slurmctld", []);
  }

  startNode(): Promise<string> {
    return must("/usr/sbin/slurmd", []);
  }

  /** Stops a daemon by the process in its own file. */
  async stop(daemon: "slurmctld" | "slurmd"): Promise<void> {
    const path = join(this.folder, `${daemon}.pid`);
    const process = Number(await Deno.readTextFile(path));
    Deno.kill(process, "SIGTERM");
    await until(`${daemon} has ended`, () => !isAlive(process), 60);
  }

  /** The ids of jobs in the queue, by a state of Slurm's. */
  async jobs(state: "RUNNING" | "PENDING" | "all" = "all"): Promise<string[]> {
    const states = state === "all" ? ["RUNNING", "PENDING", "COMPLETING"] : [state];
    const { out } = await call("squeue", ["-h", "-r", "-o", "%i", "-t", states.join(",")]);
    return out.split("\n").filter(Boolean);
  }

  /** Ends all jobs and daemons and removes what was written; munge goes on. */
  async end(): Promise<void> {
    const jobs = await this.jobs().catch(() => []);
    if (jobs.length > 0) await call("scancel", jobs);
    await until("no job is left", async () => (await this.jobs()).length === 0, 60).catch(() => {});
    for (const daemon of ["slurmd", "slurmctld"] as const) await this.stop(daemon).catch(() => {});
    await Deno.remove(CONFIGURATION).catch(() => {});
    await Deno.remove(this.folder, { recursive: true }).catch(() => {});
  }
}

function isAlive(process: number): boolean {
  try {
    Deno.kill(process, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
