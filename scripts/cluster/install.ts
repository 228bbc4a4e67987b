/** What the test of the workflows needs on this machine: Slurm and munge, Snakemake and its plugin. */
import { join } from "node:path";
import { exists, PROJECT_ROOT } from "crypts/base";
import { call } from "./slurm.ts";

/** The throw-away virtual environment of Snakemake; git does not see it. */
const ENVIRONMENT = join(PROJECT_ROOT, "runs/.snakemake-venv");

/** Why the cluster cannot be set up here. */
export class CannotInstall extends Error {
  override name = "CannotInstall";
}

/**
 * Installs what is missing of Slurm, munge and Snakemake.
 *
 * @returns the folder of the `snakemake` command
 * @throws {CannotInstall} saying in one line what cannot be had
 */
export async function install(): Promise<string> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) {
    throw new CannotInstall("Slurm's daemons and a small disk need Linux and root");
  }
  if (!await exists("/usr/sbin/slurmctld") || !await exists("/usr/sbin/munged")) {
    await step("apt-get", ["update"]);
    await step("apt-get", ["install", "-y", "--no-install-recommends", "slurm-wlm", "munge"]);
  }
  return await installSnakemake();
}

/**
 * Installs Snakemake and its Slurm executor, in a folder of their own, where they are missing.
 *
 * @returns the folder of the `snakemake` command
 * @throws {CannotInstall} saying in one line what cannot be had
 */
export async function installSnakemake(): Promise<string> {
  const bin = join(ENVIRONMENT, "bin");
  // Written last: what an installation left that was cut off is no Snakemake.
  const whole = join(ENVIRONMENT, "installed");
  if (!await exists(whole)) {
    await step("python3", ["-m", "venv", "--clear", ENVIRONMENT]);
    const packages = ["snakemake>=9,<10", "snakemake-executor-plugin-slurm>=2,<3"];
    await step(join(bin, "pip"), ["install", "--quiet", ...packages]);
    await Deno.writeTextFile(whole, packages.join("\n"));
  }
  return bin;
}

async function step(program: string, args: string[]): Promise<void> {
  console.log(`${program} ${args.join(" ")}`);
  let said: string;
  try {
    const { code, err, out } = await call(program, args);
    if (code === 0) return;
    said = (err || out).trim().split("\n").at(-1) ?? "";
  } catch (error) {
    said = (error as Error).message;
  }
  throw new CannotInstall(`${program} ${args.slice(0, 2).join(" ")} failed: ${said}`);
}
