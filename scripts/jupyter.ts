/** JupyterLab and nbclient in `.venv`, and the project's own Deno kernel beside them. */
import { dirname, join } from "node:path";
import { exists, PROJECT_ROOT, writeWhole } from "crypts/base";

/** The kernel's name: the project's own, so that a user's other Deno kernels stay untouched. */
export const KERNEL = "crypts-deno";

const VENV = join(PROJECT_ROOT, ".venv");
const REQUIREMENTS = join(PROJECT_ROOT, "requirements.txt");
const WINDOWS = Deno.build.os === "windows";

/** The path of a program of the virtual environment, e.g. `python`. */
export function venvProgram(name: string): string {
  return WINDOWS ? join(VENV, "Scripts", `${name}.exe`) : join(VENV, "bin", name);
}

/**
 * Makes `.venv` from `requirements.txt` and registers the kernel in it; quick when all is there.
 *
 * @throws {Error} when Python 3 is missing or pip fails, with its output
 */
export async function ensureJupyter(): Promise<void> {
  await ensureVenv();
  await writeKernel();
}

/**
 * Marks notebooks as trusted for this user, so that JupyterLab shows the SVG and HTML in their outputs.
 * Only a notebook as it is now is trusted: outputs that somebody changes later are not.
 *
 * @throws {Error} with Jupyter's message when it cannot sign them
 */
export async function trustNotebooks(paths: readonly string[]): Promise<void> {
  await run(venvProgram("jupyter"), ["trust", ...paths]);
}

async function ensureVenv(): Promise<void> {
  // The stamp holds the requirements it was made from: a changed file means a new installation.
  const stamp = join(VENV, ".installed");
  const wanted = await Deno.readTextFile(REQUIREMENTS);
  const stamped = await exists(stamp) && await Deno.readTextFile(stamp) === wanted;
  if (stamped && await venvWorks(VENV)) return;
  await Deno.remove(stamp).catch(() => {}); // half-made from here on, until it is written again
  console.error("Installing JupyterLab and nbclient into .venv (once, about a minute) …");
  await run(await findPython(), ["-m", "venv", "--clear", VENV]);
  await run(venvProgram("python"), [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
    // A file that is not the one that was looked at is refused.
    ...["--require-hashes", "-r", REQUIREMENTS],
  ]);
  await writeWhole(stamp, wanted);
}

/** Python that fails unless the packages are there; importing them would take seconds. */
const FIND_PACKAGES = `import sys, importlib.util as u
sys.exit(any(u.find_spec(name) is None for name in ("jupyterlab", "nbclient", "nbconvert")))`;

/**
 * Whether a virtual environment runs and lies where it was made: after a move its programs would still
 * start the Python of the old place, or none.
 */
export async function venvWorks(venv: string): Promise<boolean> {
  const folder = join(venv, WINDOWS ? "Scripts" : "bin");
  const extension = WINDOWS ? ".exe" : "";
  try {
    if (!WINDOWS) {
      const script = await Deno.readTextFile(join(folder, "jupyter"));
      const interpreter = /\/[^\n"']*\/bin\/python[\d.]*/.exec(script)?.[0] ?? "";
      const own = await Deno.realPath(folder);
      if (await Deno.realPath(dirname(interpreter)) !== own) return false;
    }
    const { success } = await new Deno.Command(join(folder, `python${extension}`), {
      args: ["-c", FIND_PACKAGES],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

async function findPython(): Promise<string> {
  for (const name of WINDOWS ? ["python", "py"] : ["python3", "python"]) {
    try {
      const { success } = await new Deno.Command(name, {
        args: ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"],
        stdout: "null",
        stderr: "null",
      }).output();
      if (success) return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error("Python 3.10 or newer is needed to run Jupyter, and none was found on PATH");
}

async function writeKernel(): Promise<void> {
  const folder = join(VENV, "share", "jupyter", "kernels", KERNEL);
  const deno = [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"];
  // Windows has no SIGINT to catch; there an interrupt is a message that leaves the kernel running.
  const spec = {
    argv: WINDOWS
      ? deno
      : [venvProgram("python"), join(PROJECT_ROOT, "scripts", "kernel.py"), ...deno],
    display_name: "Crypts (Deno)",
    language: "typescript",
    interrupt_mode: WINDOWS ? "message" : "signal",
  };
  await writeWhole(join(folder, "kernel.json"), JSON.stringify(spec, null, 2) + "\n");
}

async function run(program: string, args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return;
  const text = new TextDecoder();
  throw new Error(
    `${program} ${args.join(" ")} failed:\n${text.decode(stdout)}${text.decode(stderr)}`,
  );
}
