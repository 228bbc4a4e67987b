import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT_ROOT } from "../lib/base/project.ts";
import { infer } from "../scripts/infer.ts";

const file = (name: string) => join(PROJECT_ROOT, "workflows", name);

async function help(): Promise<string> {
  const { log } = console, lines: string[] = [];
  console.log = (line: string) => lines.push(line);
  try {
    assert.equal(await infer(["--help"]), 0);
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

/** The options in the lines that run the command, continued lines joined. */
function optionsOf(script: string, command: RegExp): Set<string> {
  const lines = script.replace(/\\+\n/g, " ").split("\n");
  return new Set(lines.filter((l) => command.test(l)).flatMap((l) => l.match(/--[a-z-]+/g) ?? []));
}

Deno.test("the workflows give the command only options that it has", async () => {
  const known = new Set((await help()).match(/--[a-z-]+/g));
  const nextflow = optionsOf(await Deno.readTextFile(file("main.nf")), /scripts\/infer\.ts"/);
  const slurm = optionsOf(
    await Deno.readTextFile(file("slurm_array.sh")),
    /\binfer --|\$DENO" run/,
  );
  for (const option of [...nextflow, ...slurm]) {
    assert.ok(option === "--config" || known.has(option), `${option} is unknown to infer`);
  }
  for (const option of ["--images", "--models", "--out", "--index", "--collect"]) {
    assert.ok(nextflow.has(option), `main.nf lacks ${option}`);
    assert.ok(slurm.has(option), `slurm_array.sh lacks ${option}`);
  }
});

Deno.test("the Slurm script submits one task an image and the tables behind them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Stand-ins that write down how they were called.
    const stand = async (name: string, answer: string) => {
      const path = join(folder, name);
      await Deno.writeTextFile(
        path,
        `#!/bin/sh\necho "${name} $*" >> "${folder}/log"\n${answer}\n`,
      );
      await Deno.chmod(path, 0o755);
      return path;
    };
    await stand("sbatch", "echo 4711");
    const env = {
      ...{ IMAGES: "my images", OUT: "out", MODELS: "models/*.safetensors" },
      ...{ OPTIONS: "--tta d4 --geojson", PATH: `${folder}:${Deno.env.get("PATH")}` },
      DENO: await stand("deno-stand-in", "echo 12"),
      SLURM_ARRAY_TASK_ID: "5",
    };
    const run = async (...args: string[]) => {
      await Deno.writeTextFile(join(folder, "log"), "");
      const script = file("slurm_array.sh");
      const { code } = await new Deno.Command("bash", {
        args: [script, ...args],
        env,
        stdout: "null",
        stderr: "null",
      }).output();
      return { code, log: (await Deno.readTextFile(join(folder, "log"))).trim().split("\n") };
    };
    const submitted = await run("submit");
    assert.equal(submitted.code, 0);
    assert.match(submitted.log[0], /^deno-stand-in run -A .*infer\.ts --images my images --count$/);
    assert.match(submitted.log[1], /^sbatch --parsable .*--array=0-11%50 .*slurm_array\.sh task$/);
    assert.match(
      submitted.log[2],
      /^sbatch .*--dependency=afterany:4711 .*slurm_array\.sh collect$/,
    );
    const task = await run("task");
    assert.match(
      task.log[0],
      /--models models\/\*\.safetensors --out out --index 5 --tta d4 --geojson$/,
    );
    assert.match((await run("collect")).log[0], /--collect --out out$/);
    assert.equal((await run("nonsense")).code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
