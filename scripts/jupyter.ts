/** JupyterLab and nbclient in `.venv`, and the project's own Deno kernel beside them. */
import { dirname, join } from "node:path";
import { exists, PROJECT_ROOT, writeWhole } from "crypts/base";

/** The kernel's name: the project's own, so that a user's other Deno kernels stay untouched. */
export const KERNEL = "crypts-deno";

const VENV = join(PROJECT_ROOT, ".venv");
/** What `.venv` is for: executing notebooks, or JupyterLab beside that. */
export type JupyterUse = "notebooks" | "lab";

const USES = {
  notebooks: {
    requirements: join(PROJECT_ROOT, "requirements-notebooks.txt"),
    installing: "Installing nbclient into .venv (once, some seconds) …",
    modules: ["nbclient", "nbformat"],
  },
  lab: {
    requirements: join(PROJECT_ROOT, "requirements.txt"),
    installing: "Installing JupyterLab into .venv (once, about half a minute) …",
    modules: ["jupyterlab", "nbclient", "nbconvert"],
  },
} as const satisfies Record<JupyterUse, unknown>;
const WINDOWS = Deno.build.os === "windows";

/** The path of a program of the virtual environment, e.g. `python`. */
export function venvProgram(name: string): string {
  return WINDOWS ? join(VENV, "Scripts", `${name}.exe`) : join(VENV, "bin", name);
}

/**
 * Makes `.venv` from its requirements and registers the kernel in it; quick when all is there. What
 * JupyterLab needs includes what notebooks need.
 *
 * @throws {Error} when Python 3 is missing or pip fails, with its output
 */
export async function ensureJupyter(use: JupyterUse): Promise<void> {
  await ensureVenv(use);
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

async function ensureVenv(use: JupyterUse): Promise<void> {
  // The stamp holds the requirements it was made from: a changed file means a new installation.
  const stamp = join(VENV, ".installed");
  const stamped = await exists(stamp) ? await Deno.readTextFile(stamp) : null;
  const [notebooks, lab] = await Promise.all(
    [USES.notebooks, USES.lab].map(({ requirements }) => Deno.readTextFile(requirements)),
  );
  if (stamped === lab && await venvWorks(VENV, "lab")) return;
  const half = stamped === notebooks && await venvWorks(VENV, "notebooks");
  if (half && use === "notebooks") return;
  await Deno.remove(stamp).catch(() => {}); // half-made from here on, until it is written again
  console.error(USES[use].installing);
  // JupyterLab comes to the packages that are there: notebooks may be running from them.
  if (!half) await run(await findPython(), ["-m", "venv", "--clear", VENV]);
  await run(venvProgram("python"), [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check"],
    // A file that is not the one that was looked at is refused.
    ...["--require-hashes", "-r", USES[use].requirements],
  ]);
  await writeWhole(stamp, use === "lab" ? lab : notebooks);
}

/** Python that fails unless the packages are there; importing them would take seconds. */
const FIND_PACKAGES = `import sys, importlib.util as u
sys.exit(any(u.find_spec(name) is None for name in sys.argv[1:]))`;

/**
 * Whether a virtual environment runs and lies where it was made: after a move its programs would still
 * start the Python of the old place, or none.
 */
export async function venvWorks(venv: string, use: JupyterUse = "lab"): Promise<boolean> {
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
      args: ["-c", FIND_PACKAGES, ...USES[use].modules],
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
