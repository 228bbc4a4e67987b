import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { venvWorks } from "../scripts/jupyter.ts";
import { withOptions } from "./support/options.ts";
import { filesBelow, withFolder } from "./support/temporary.ts";
import { writeTinyDataset } from "./support/tiny_dataset.ts";

const script = (name: string) => fileURLToPath(new URL(`../scripts/${name}.ts`, import.meta.url));

async function run(name: string, args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script(name), ...args],
    // Without PATH no Python is found: a command that gets as far as installing anything says so.
    env: { PATH: "", CRYPTS_DATA: "", CRYPTS_OUT: "", CRYPTS_PROFILE: "" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** One sentence on standard error, exit 2, and nothing written below `root`. */
async function refused(root: string, name: string, args: string[], message: RegExp) {
  const before = await filesBelow(root);
  const { code, err } = await run(name, args);
  const called = `${name} ${args.join(" ")}\n${err}`;
  assert.equal(code, 2, called);
  assert.match(err, message, called);
  assert.equal(err.trim().split("\n").length, 1, called);
  assert.doesNotMatch(err, /\bat .*:\d+:\d+|Uncaught/, called);
  assert.deepEqual(await filesBelow(root), before, called);
}

Deno.test("every bad option of the train command is one sentence and exit 2, before anything starts", () =>
  withFolder(async (root) => {
    const data = join(root, "data"), file = join(root, "file");
    await writeTinyDataset(data);
    await Deno.writeTextFile(file, "");
    const small = ["--set", "patch=32", "--set", "scale=1", "--set", "vizTile=32"];
    const fine = ["--data", data, "--out", join(root, "out"), ...small, "--set", "foldCount=2"];
    const one = [...fine, "--set", "folds=[0]"];
    const cases: [args: string[], message: RegExp][] = [
      [["--data", join(root, "none")], /no data set at .*none/],
      [["--data", ""], /--data is empty/],
      [["--data", file], /file/],
      [["--profile", "nope"], /no profile "nope"; there are paper/],
      [["--profile", ""], /--profile is empty/],
      [withOptions(one, ["--out", file]), /--out .*file is a file/],
      [[...one, "--set", "threshold=9"], /threshold must be in \[0, 1\), got 9/],
      [["--data", data, "--set", "scale=NaN"], /scale must be in \(0, 1\], got "NaN"/],
      [[...one, "--set", "epochs="], /epochs must be a positive integer, got ""/],
      [[...one, "--set", "model={}"], /model must be one that can be built/],
      [withOptions(one, ["--backend", "quantum"]), /--backend must be one of .*, got "quantum"/],
      [withOptions(one, ["--loss", "hinge"]), /--loss must be one of/],
      [withOptions(one, ["--weights", join(root, "none.pth")]), /--weights .*none\.pth is no file/],
      [withOptions(one, ["--weights", root]), /--weights .* is no file/],
      [withOptions(one, ["--micro-batch", "0"]), /--micro-batch must be an integer >= 1, got "0"/],
      [withOptions(one, ["--clip-norm", "NaN"]), /--clip-norm must be a number > 0, got "NaN"/],
      [withOptions(one, ["--workers", " "]), /--workers is empty/],
      [withOptions(one, ["--workers", "1.5"]), /--workers must be an integer >= 0, got "1.5"/],
      [withOptions(one, ["--unknown"]), /--unknown/],
      [[...one, "--set", "epochs=1", "--set", "epochs=2"], /--set epochs is given more than once/],
      [
        [...small, "--set", "foldCount=3", "--data", data],
        /3 folds need .* got 2: a, bb; set foldCount to 2/,
      ],
    ];
    for (const [args, message] of cases) await refused(root, "train", args, message);
  }));

Deno.test("the notebooks command looks at names, profile and data before anything is installed", () =>
  withFolder(async (root) => {
    const cases: [args: string[], message: RegExp][] = [
      [["Trainig"], /no notebook "Trainig"; there are MaskFromRLE/],
      [["--profile", "nope"], /no profile "nope"/],
      [["--data", join(root, "none")], /no data set at .*none/],
      [["--data", root, "--out", join(root, "out")], /no image folder|is empty/],
      [["--out", ""], /--out is empty/],
      [["--wrong"], /--wrong/],
    ];
    for (const [args, message] of cases) await refused(root, "notebooks", args, message);
    const { code, out } = await run("notebooks", ["--help"]);
    assert.equal(code, 0);
    assert.match(out, /deno task notebooks \[options\]/);
  }));

Deno.test("demo takes no options, and the setup of TensorFlow none that exclude each other", () =>
  withFolder(async (root) => {
    await refused(root, "demo", ["--data", root], /--data/);
    await refused(root, "demo", ["Training"], /Training/);
    await refused(root, "setup_tensorflow", ["--gpu", "--cpu"], /--gpu and --cpu exclude each/);
    const { code, out } = await run("demo", ["--help"]);
    assert.equal(code, 0);
    assert.match(out, /deno task notebooks --help/);
  }));

Deno.test("the kills command refuses what it cannot count", () =>
  withFolder(async (root) => {
    await refused(root, "kills", ["0"], /the number of kills must be an integer >= 1, got "0"/);
    await refused(root, "kills", ["six"], /the number of kills must be an integer >= 1, got "six"/);
    await refused(root, "kills", ["1", "2"], /one number of kills, got 1 2/);
    await refused(root, "kills", ["--seed", ""], /--seed must be an integer, got ""/);
    await refused(root, "kills", ["--only", "all"], /--only must be one of patches, .* got "all"/);
  }));

Deno.test("the commands of the throw-away Slurm look at their options before anything is installed", () =>
  withFolder(async (root) => {
    const file = join(root, "grid.yaml"), fine = ["--experiment", file, "--out", join(root, "out")];
    await Deno.writeTextFile(file, "");
    const cases: [name: string, args: string[], message: RegExp][] = [
      ["cluster_run", [], /--experiment and --out are needed/],
      ["cluster_run", ["--experiment", file], /--experiment and --out are needed/],
      ["cluster_run", withOptions(fine, ["--out", ""]), /--out is empty/],
      ["cluster_run", withOptions(fine, ["--out", file]), /--out .*grid\.yaml is a file/],
      [
        "cluster_run",
        withOptions(fine, ["--experiment", join(root, "none")]),
        /--experiment .*none is no file/,
      ],
      [
        "cluster_run",
        withOptions(fine, ["--cores", "0"]),
        /--cores must be an integer >= 1, got "0"/,
      ],
      ["cluster_test", ["--passes=-1"], /--passes must be an integer >= 0, got "-1"/],
      ["cluster_test", ["--passes=1.5"], /--passes must be an integer >= 0, got "1.5"/],
      ["cluster_test", ["--wrong"], /--wrong/],
    ];
    for (const [name, args, message] of cases) await refused(root, name, args, message);
  }));

Deno.test("an option given twice is refused by every command, unless it is said to be repeatable", () =>
  withFolder(async (root) => {
    const twice = (name: string) => [`--${name}`, join(root, "a"), `--${name}=${join(root, "b")}`];
    const cases: [name: string, args: string[]][] = [
      ["train", twice("out")],
      ["notebooks", twice("out")],
      ["decide", twice("maps")],
      ["out_of_fold", twice("data")],
      ["compare", twice("out")],
      ["cluster_run", twice("experiment")],
    ];
    for (const [name, args] of cases) {
      const option = args[0];
      await refused(root, name, args, new RegExp(`^${option} is given more than once`));
    }
    for (const [name, args] of [["kills", twice("seed")], ["cluster_test", twice("passes")]]) {
      await refused(root, name as string, args as string[], /is given more than once/);
    }
    const { code, err } = await run("export", [...twice("model"), "--out", join(root, "a.onnx")]);
    assert.deepEqual([code, err.startsWith("--model is given more than once: give it once")], [
      2,
      true,
    ]);
  }));

Deno.test("a virtual environment that was moved, or is half-made, is not taken for a working one", () =>
  withFolder(async (root) => {
    const venv = join(root, "venv");
    assert.equal(await venvWorks(venv), false, "none");
    const { success } = await new Deno.Command("python3", {
      args: ["-m", "venv", "--without-pip", venv],
    }).output().catch(() => ({ success: false }));
    if (!success) return console.log("python3 has no venv here: not tested further");
    assert.equal(await venvWorks(venv), false, "without its programs");
    const { stdout } = await new Deno.Command(join(venv, "bin", "python"), {
      args: ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
    }).output();
    const packages = new TextDecoder().decode(stdout).trim();
    await Deno.writeTextFile(join(venv, "bin", "jupyter"), `#!${venv}/bin/python\n`);
    for (const name of ["jupyterlab", "nbclient"]) {
      await Deno.writeTextFile(join(packages, `${name}.py`), "");
    }
    assert.equal(await venvWorks(venv), false, "a package is missing");
    await Deno.writeTextFile(join(packages, "nbconvert.py"), "");
    assert.equal(await venvWorks(venv), true);
    await Deno.rename(venv, join(root, "moved"));
    assert.equal(await venvWorks(join(root, "moved")), false, "moved");
  }));
