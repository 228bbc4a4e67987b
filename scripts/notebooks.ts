/**
 * Executes notebooks headless through the project's kernel:
 * `deno task notebooks [--data DIR] [--profile NAME] [--out DIR] [--in-place] [NOTEBOOK…]`.
 */
import { basename, join, resolve } from "node:path";
import { exists, PROJECT_ROOT } from "crypts/base";
import {
  chooseProfile,
  formatSeconds,
  openData,
  openWorkspace,
  PROFILES,
  shortPath,
} from "crypts/notebook";
import { checking, needFolderOrNothing, parseOptions, refuseEmpty, runCommand } from "./command.ts";
import { ensureJupyter, KERNEL, venvProgram } from "./jupyter.ts";

/** The notebooks in the order in which they build on each other. */
export const NOTEBOOKS = ["MaskFromRLE", "DataPreparation", "Training", "Inference", "Viz"];

/** What one execution took. */
export interface Execution {
  notebook: string;
  seconds: number;
  peakMegabytes: number;
}

/** How {@link executeNotebook} runs; the settings reach the notebook as environment variables. */
export interface ExecuteOptions {
  /** `CRYPTS_DATA`. */
  data?: string;
  /** `CRYPTS_PROFILE`. */
  profile?: string;
  /** `CRYPTS_OUT`. */
  out?: string;
  /** Where the executed notebook is written. */
  output: string;
  /** Further environment variables. */
  env?: Record<string, string>;
  quiet?: boolean;
}

/**
 * Executes one notebook.
 *
 * @param path the `.ipynb` file; its kernel starts in the project's `notebooks/`
 * @throws {Error} naming the notebook and the failing cell
 */
export async function executeNotebook(path: string, options: ExecuteOptions): Promise<Execution> {
  const env: Record<string, string> = { ...options.env };
  if (options.data) env.CRYPTS_DATA = options.data;
  if (options.profile) env.CRYPTS_PROFILE = options.profile;
  if (options.out) env.CRYPTS_OUT = options.out;
  const child = new Deno.Command(venvProgram("python"), {
    args: [
      join(PROJECT_ROOT, "scripts", "run_notebook.py"),
      path,
      options.output,
      ...["--kernel", KERNEL, "--cwd", join(PROJECT_ROOT, "notebooks")],
      ...(options.quiet ? ["--quiet"] : []),
    ],
    env,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let last = "";
  for await (const line of lines(child.stdout)) {
    if (last && !options.quiet) console.log(last);
    last = line;
  }
  const { success } = await child.status;
  const notebook = basename(path);
  if (!success) {
    // The kernel's own warnings come before the sentence.
    const text = (await errors).trim(), from = text.indexOf(`${notebook} failed at`);
    throw new Error(from < 0 ? `${notebook}: ${text}` : text.slice(from));
  }
  return { notebook, ...JSON.parse(last) };
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  if (rest) yield rest;
}

/** The path of a notebook given by name, with or without `.ipynb`. */
async function notebookPath(name: string): Promise<string> {
  const path = name.endsWith(".ipynb") ? name : join(PROJECT_ROOT, "notebooks", `${name}.ipynb`);
  if (!await exists(path)) {
    throw new RangeError(`no notebook "${name}"; there are ${NOTEBOOKS.join(", ")}`);
  }
  return path;
}

/** What {@link executeAll} runs with. */
export type ExecuteAllOptions = Omit<ExecuteOptions, "output"> & { inPlace?: boolean };

/**
 * Executes several notebooks in turn and prints what each took. Names, profile and data set are looked
 * at before anything is installed.
 *
 * @throws {UsageError} naming what cannot be used
 * @throws {Error} naming the notebook and the failing cell
 */
export async function executeAll(
  names: string[],
  options: ExecuteAllOptions,
): Promise<Execution[]> {
  const { paths, workspace } = await checking(async () => {
    const paths = [];
    for (const name of names) paths.push(await notebookPath(name));
    chooseProfile(options.profile);
    await needFolderOrNothing("out", options.out && resolve(PROJECT_ROOT, options.out));
    const workspace = await openWorkspace({ data: options.data, out: options.out });
    if (!workspace.builtIn) await openData(workspace);
    return { paths, workspace };
  });
  await ensureJupyter("notebooks");
  const executions: Execution[] = [];
  for (const path of paths) {
    const output = options.inPlace ? path : join(workspace.root, "executed", basename(path));
    console.log(`\n${basename(path)}`);
    const execution = await executeNotebook(path, { ...options, output });
    executions.push(execution);
    const { seconds, peakMegabytes } = execution;
    console.log(
      `  done in ${formatSeconds(seconds)}, peak memory ${Math.round(peakMegabytes)} MB → ` +
        shortPath(output),
    );
  }
  return executions;
}

const HELP = `Executes notebooks headless, all five in their order where none is named.

deno task notebooks [options] [NOTEBOOK…]

  --data DIR       the data set (default: CRYPTS_DATA, else the built-in one)
  --profile NAME   ${Object.keys(PROFILES).join(", ")} (default: CRYPTS_PROFILE, else demo)
  --out DIR        where results go (default: as for the notebooks)
  --in-place       writes the outputs into the notebooks themselves

Notebooks: ${NOTEBOOKS.join(", ")}.
Exit: 0 done, 1 a notebook failed, 2 the command cannot be run.`;

/** Runs the command. @returns the exit code */
export function notebooks(args: string[]): Promise<number> {
  return runCommand(async () => {
    const { values, positionals } = await checking(() => {
      const parsed = parseOptions({
        args,
        allowPositionals: true,
        options: {
          data: { type: "string" },
          profile: { type: "string" },
          out: { type: "string" },
          "in-place": { type: "boolean" },
          help: { type: "boolean", default: false },
        },
      });
      refuseEmpty(parsed.values);
      return parsed;
    });
    if (values.help) return console.log(HELP);
    const { data, profile, out, "in-place": inPlace } = values;
    const names = positionals.length > 0 ? positionals : NOTEBOOKS;
    await executeAll(names, { data, profile, out, inPlace });
  });
}

if (import.meta.main) Deno.exit(await notebooks(Deno.args));
