import assert from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { PROJECT_ROOT } from "../lib/base/project.ts";
import { writeRgb } from "../lib/image/mod.ts";
import { chooseProfile, type Profile } from "../lib/notebook/mod.ts";
import { CannotInstall, installSnakemake } from "../scripts/cluster/install.ts";
import { infer } from "../scripts/infer.ts";

const file = (name: string) => join(PROJECT_ROOT, "workflows", name);

/** What a file of `workflows/experiments` says. */
interface Experiment {
  profile: string;
  architectures: string[];
  encoders: string[];
  folds: number[];
  fold_count: number;
  set?: Partial<Profile>;
}

/** Runs Snakemake, which is installed first; null, and a line that says why, where it cannot be. */
async function snakemake(args: string[], cwd: string) {
  try {
    const command = join(await installSnakemake(), "snakemake");
    const { code, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, text: text(stdout) + text(stderr) };
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    console.log(`skipped, Snakemake cannot be installed here: ${error.message}`);
    return null;
  }
}

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
  const snakemake = optionsOf(
    (await Deno.readTextFile(file("segment.smk"))).replace(/f?"\n\s+f?"/g, " "),
    /\{INFER\}|\{params\.command\}/,
  );
  const slurm = optionsOf(
    await Deno.readTextFile(file("slurm_array.sh")),
    /\binfer --|\$DENO" run/,
  );
  for (const option of [...snakemake, ...slurm]) {
    assert.ok(option === "--config" || known.has(option), `${option} is unknown to infer`);
  }
  for (const option of ["--images", "--out", "--index"]) {
    assert.ok(snakemake.has(option), `segment.smk lacks ${option}`);
    assert.ok(slurm.has(option), `slurm_array.sh lacks ${option}`);
  }
  for (const option of ["--list", "--collect"]) assert.ok(snakemake.has(option), option);
});

Deno.test("every setting of the experiments is one of the profiles, and their networks can be built", async () => {
  const folder = file("experiments"), names = [...Deno.readDirSync(folder)].map((e) => e.name);
  assert.deepEqual(names.sort(), ["original.yaml", "reduced.yaml"]);
  for (const name of names) {
    const { experiment } = parse(await Deno.readTextFile(join(folder, name))) as {
      experiment: Experiment;
    };
    const { profile, architectures, encoders, folds, fold_count: foldCount } = experiment;
    assert.deepEqual(architectures, ["Linknet", "Unet", "UnetPlusPlus", "MAnet"]);
    for (const architecture of architectures) {
      for (const encoder of encoders) {
        const model = { architecture, encoder } as Profile["model"];
        // Refuses what it does not know.
        chooseProfile(profile, { ...experiment.set, model, folds, foldCount });
      }
    }
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
    const run = async (word: string, more: Record<string, string> = {}) => {
      await Deno.writeTextFile(join(folder, "log"), "");
      const script = file("slurm_array.sh");
      const { code } = await new Deno.Command("bash", {
        args: [script, word],
        env: { ...env, ...more },
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
    const blocks = await run("submit", { BLOCK: "5" });
    assert.deepEqual(
      blocks.log.slice(1).map((line) => line.match(/--array=\S+|afterany\S+/g)),
      [["--array=0-4%50"], ["--array=0-4%50"], ["--array=0-1%50"], [
        "--array=0",
        "afterany:4711:4711:4711",
      ]],
      "arrays of at most 5 tasks",
    );
    const late = await run("task", { FIRST: "10" });
    assert.match(late.log[0], / --index 15 /);
    const task = await run("task");
    assert.match(
      task.log[0],
      /--models models\/\*\.safetensors --out out --threads 1 --index 5 --tta d4 --geojson$/,
    );
    assert.match((await run("collect")).log[0], /--collect --out out$/);
    assert.equal((await run("nonsense")).code, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Snakemake plans one job per slide, unreadable and missing ones included, then the tables", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const image = { data: new Uint8Array(3 * 64 * 64), height: 64, width: 64 };
    await writeRgb(join(folder, "good.png"), image);
    await Deno.writeTextFile(join(folder, "bad.tiff"), "no image");
    await Deno.writeTextFile(
      join(folder, "list.csv"),
      'image,id\ngood.png,"a b"\nbad.tiff,bad\nnowhere.tiff,gone\n',
    );
    const args = ["-n", "-s", file("Snakefile"), "--cores", "2", "--config", "images=list.csv"];
    const planned = await snakemake([...args, "out=results"], folder);
    if (planned === null) return;
    assert.equal(planned.code, 0, planned.text);
    assert.match(planned.text, /^slide +3$/m);
    assert.match(planned.text, /^tables +1$/m);
    const slides = await Deno.readTextFile(join(folder, "results/workflow/slides.csv"));
    assert.match(slides, /^"a b",".*good\.png",,,64,64$/m);
    assert.match(slides, /^"gone",".*nowhere\.tiff",,,,$/m);
    const refused = await snakemake(args, folder);
    assert.notEqual(refused!.code, 0);
    assert.match(refused!.text, /--config out=FOLDER/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("where results do not fit in one table, Snakemake says so, and failed.csv names the failed slides", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Stands in for the command: it lists two slides, fails one of them, and makes no tables.
    const stand = join(folder, "deno-stand-in");
    await Deno.writeTextFile(
      stand,
      `#!/bin/sh
case "$*" in
*--list*) printf 'id,image,pixel_size_um,mask,height,width\\na,a.png,,,9,9\\nb,b.png,,,9,9\\n' ;;
*--collect*) echo "not of one kind" >&2; exit 2 ;;
*slides/b.csv*) echo "failed: b: it is broken" >&2; exit 1 ;;
esac
`,
    );
    await Deno.chmod(stand, 0o755);
    const run = await snakemake([
      ...["-s", file("Snakefile"), "--cores", "2", "--keep-going"],
      ...["--config", "images=list.csv", "out=results", "retries=0", `deno=${stand}`],
    ], folder);
    if (run === null) return;
    assert.notEqual(run.code, 0);
    assert.match(run.text, /the tables could not be written: not of one kind/);
    assert.match(run.text, /1 of 2 slides failed; the same command tries them again/);
    const results = join(folder, "results"), outcomes = join(results, "workflow", "outcomes");
    assert.equal(
      await Deno.readTextFile(join(results, "failed.csv")),
      "slide,message,log\nb,it is broken,workflow/logs/b.log\n",
    );
    assert.deepEqual([...Deno.readDirSync(outcomes)].map(({ name }) => name), ["a.txt"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Snakemake plans one training per configuration and fold", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const planned = await snakemake([
      ...["-n", "-s", file("Snakefile"), "--cores", "2"],
      ...["--configfile", file("experiments/original.yaml"), "--config", "out=runs", "data=tests"],
    ], folder);
    if (planned === null) return;
    assert.equal(planned.code, 0, planned.text);
    assert.match(planned.text, /^train +80$/m);
    assert.match(planned.text, /^out_of_fold +16$/m);
    assert.match(planned.text, /^compare +1$/m);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
