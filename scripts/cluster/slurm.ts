/**
 * A throw-away Slurm of one node on this machine: munge, slurmctld and slurmd. It lives in namespaces of
 * its own ({@link inOwnNamespaces}): its `/etc/slurm` is seen by nobody else (jobs' own `srun` looks
 * nowhere else), and its processes end with the test. A Slurm of the machine's own is not touched.
 */
import { join } from "node:path";
import { hostname } from "node:os";
import { exists } from "crypts/base";

const CONFIGURATION = "/etc/slurm/slurm.conf";
/** Set inside of the namespaces. */
const INSIDE = "CRYPTS_CLUSTER_INSIDE";

/**
 * Runs a script again in mount and process namespaces of its own.
 *
 * @returns its exit code; null where we are inside already
 */
export async function inOwnNamespaces(script: string, args: string[]): Promise<number | null> {
  if (Deno.env.get(INSIDE) === "1") return null;
  const { code } = await new Deno.Command("unshare", {
    args: [
      ...["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"],
      // The first process of a namespace inherits the daemons and must take note of their ends.
      ...["bash", "-c", '"$@" & wait $!', "", Deno.execPath(), "run", "-A", script, ...args],
    ],
    env: { [INSIDE]: "1" },
  }).spawn().status;
  return code;
}

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
  return `ClusterName=throwaway
SlurmctldHost=${host}
# Not Slurm's usual ports: the machine may have one.
SlurmctldPort=16817
SlurmdPort=16818
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
# Jobs that are held compute nothing: more of them than there are cores.
SlurmdParameters=config_overrides
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
   * @throws {Error} where it does not start
   */
  static async start(options: { cores?: number; megabytes?: number } = {}): Promise<Slurm> {
    if (Deno.env.get(INSIDE) !== "1") throw new Error("only inside of namespaces of its own");
    await Deno.mkdir("/etc/slurm", { recursive: true });
    await must("mount", ["-t", "tmpfs", "tmpfs", "/etc/slurm"]);
    const folder = await Deno.makeTempDir({ prefix: "crypts-slurm-" });
    await Deno.chmod(folder, 0o755);
    for (const name of ["state", "spool"]) await Deno.mkdir(join(folder, name));
    const cores = options.cores ?? navigator.hardwareConcurrency;
    const megabytes = options.megabytes ??
      Math.floor(Deno.systemMemoryInfo().total / 2 ** 20 * 0.9);
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
    if ((await call("munge", ["-n"])).code === 0) return;
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

  /** Ends all jobs and daemons and removes what was written. */
  async end(): Promise<void> {
    const jobs = await this.jobs().catch(() => []);
    if (jobs.length > 0) await call("scancel", jobs);
    await until("no job is left", async () => (await this.jobs()).length === 0, 60).catch(() => {});
    for (const daemon of ["slurmd", "slurmctld"] as const) await this.stop(daemon).catch(() => {});
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
