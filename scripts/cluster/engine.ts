/** Snakemake as a process that can be killed. */
import { join } from "node:path";
import { PROJECT_ROOT } from "crypts/base";
import { must } from "./slurm.ts";

export interface EngineOptions {
  /** The folder of the `snakemake` command. */
  bin: string;
  /** Where it runs and keeps its `.snakemake`. */
  folder: string;
  /** `--config` and `--configfile`. */
  config: string[];
}

const OPTIONS = [
  ...["-s", join(PROJECT_ROOT, "workflows/Snakefile")],
  ...["--profile", join(PROJECT_ROOT, "workflows/profiles/slurm")],
  // The profile's waits are for clusters with hundreds of jobs.
  ...["--slurm-init-seconds-before-status-checks", "3", "--seconds-between-status-checks", "4"],
  ...["--latency-wait", "10"],
];

/** A run of Snakemake; both its streams go to a file. */
export class Engine {
  private constructor(private readonly child: Deno.ChildProcess, readonly log: string) {}

  /** @param name of its log in the folder */
  static start(options: EngineOptions, name: string): Engine {
    const { folder, config } = options, log = join(folder, `${name}.log`);
    const child = new Deno.Command("bash", {
      args: [
        "-c",
        'log="$1"; shift; exec snakemake "$@" > "$log" 2>&1',
        "",
        log,
        ...OPTIONS,
        ...config,
      ],
      cwd: folder,
      env: pathOf(options),
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    }).spawn();
    return new Engine(child, log);
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.status;
  }

  async end(): Promise<number> {
    return (await this.child.status).code;
  }

  async says(pattern: RegExp): Promise<boolean> {
    return pattern.test(await Deno.readTextFile(this.log).catch(() => ""));
  }
}

/** Gives a folder back that a killed Snakemake has locked. */
export async function unlock(options: EngineOptions): Promise<void> {
  await must("snakemake", [...OPTIONS, ...options.config, "--unlock"], {
    cwd: options.folder,
    env: pathOf(options),
  });
}

const pathOf = ({ bin }: EngineOptions) => ({ PATH: `${bin}:${Deno.env.get("PATH")}` });
