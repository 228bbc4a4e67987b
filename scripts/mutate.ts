/**
 * `deno task mutate [FOLDER…] [--sample N] [--seed S] [--seconds T]`: how many small faults the tests
 * find.
 *
 * Each mutant is one change of one operator or constant in `lib/<folder>`, made in a copy of the
 * project; it is killed when the folder's tests fail or take too long. What survives is printed with
 * its line: either a test is missing or the change makes no difference.
 */
import { dirname, join, relative } from "node:path";
import { createRandom, PROJECT_ROOT } from "crypts/base";
import { parseOptions } from "./command.ts";

/** One change of a source file. */
export interface Mutant {
  /** Path from the project's folder. */
  file: string;
  line: number;
  /** Offset of the change in the file, and what is replaced by what. */
  at: number;
  from: string;
  to: string;
}

/** What is replaced: a pattern over code (no strings, no comments) and its replacements. */
const OPERATORS: [pattern: RegExp, to: (found: string) => string][] = [
  [/ (<=|>=) /g, (s) => s.replace("=", "")],
  [/ [<>] (?=[\w(])/g, (s) => ` ${s.trim()}= `],
  [/ (===|!==) /g, (s) => s.includes("!") ? " === " : " !== "],
  [/ (&&|\|\|) /g, (s) => s.includes("&") ? " || " : " && "],
  [/(?<=[\w)\]] )[+-](?= [\w(])/g, (s) => s === "+" ? "-" : "+"],
  [/(?<=[\w)\]] )[*/](?= [\w(])/g, (s) => s === "*" ? "/" : "*"],
  [/\bMath\.(min|max)\b/g, (s) => s.endsWith("min") ? "Math.max" : "Math.min"],
  [/\bMath\.(floor|ceil)\b/g, (s) => s.endsWith("floor") ? "Math.ceil" : "Math.floor"],
  [/\b(true|false)\b/g, (s) => s === "true" ? "false" : "true"],
  [/(?<![\w.$])\d+(?![\w.])/g, (s) => `${Number(s) + 1}`],
  [/(?<=\bif \()(?=[\w!])/g, () => "!!0 && "],
  [/\+\+|--/g, (s) => s === "++" ? "--" : "++"],
];

/** The text with strings, templates, comments and imports blanked, at the same offsets. */
export function codeOnly(text: string): string {
  const blank = (s: string) => s.replace(/[^\n]/g, " ");
  return text
    .replace(
      /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g,
      blank,
    )
    .replace(/^(import|export) [^;{]*(\{[^}]*\})?[^;{]*from[^;]*;/gm, blank)
    .replace(/^(export )?(interface|type) [^]*?^\}?;?$/gm, blank);
}

/** Every mutant of a source text. */
export function mutantsOf(file: string, text: string): Mutant[] {
  const code = codeOnly(text), found: Mutant[] = [];
  for (const [pattern, to] of OPERATORS) {
    for (const match of code.matchAll(pattern)) {
      const from = match[0], line = code.slice(0, match.index).split("\n").length;
      found.push({ file, line, at: match.index, from, to: to(from) });
    }
  }
  return found;
}

/** Test files of a folder, those of the mutant's own module first. */
function testsFor(file: string, tests: readonly string[]): string[] {
  const module = relative(join("lib", file.split("/")[1]), file).replace(/\.ts$/, "");
  const names = [module.replaceAll("/", "_"), module.split("/")[0]];
  const own = tests.filter((test) => {
    const name = test.split("/").at(-1)!;
    return names.some((n) => name.startsWith(`${n}_`));
  });
  return [...own, ...tests.filter((test) => !own.includes(test))];
}

async function passes(copy: string, test: string, seconds: number): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--quiet", "--fail-fast", test],
    cwd: copy,
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
  const { success } = await child.status;
  clearTimeout(timer);
  return success;
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory) found.push(...await filesBelow(path));
      else found.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

/** A copy of the tracked files beside the project, so that `../shared` is found from it too. */
async function copyProject(): Promise<string> {
  const copy = await Deno.makeTempDir({ dir: dirname(PROJECT_ROOT), prefix: ".part-mutate-" });
  const { stdout } = await new Deno.Command("git", { args: ["ls-files"], cwd: PROJECT_ROOT })
    .output();
  for (const path of new TextDecoder().decode(stdout).trim().split("\n")) {
    await Deno.mkdir(join(copy, dirname(path)), { recursive: true });
    await Deno.copyFile(join(PROJECT_ROOT, path), join(copy, path));
  }
  for (const linked of ["node_modules", ".tensorflow", ".venv"]) {
    await Deno.symlink(join(PROJECT_ROOT, linked), join(copy, linked));
  }
  return copy;
}

async function main(): Promise<void> {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      sample: { type: "string", default: "15" },
      seed: { type: "string", default: "0" },
      seconds: { type: "string", default: "120" },
    },
  });
  const [sample, seed, seconds] = [values.sample, values.seed, values.seconds].map(Number);
  if (!(sample > 0 && seconds > 0 && Number.isInteger(seed))) {
    throw new RangeError(`--sample, --seed and --seconds must be numbers, got ${Deno.args}`);
  }
  const all = [...Deno.readDirSync(join(PROJECT_ROOT, "lib"))].map((e) => e.name).sort();
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown) throw new RangeError(`lib/ has no folder "${unknown}"; it has ${all.join(", ")}`);
  const copy = await copyProject();
  try {
    for (const folder of positionals.length > 0 ? positionals : all) {
      await mutateFolder(copy, folder, sample, seed, seconds);
    }
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

async function mutateFolder(
  copy: string,
  folder: string,
  sample: number,
  seed: number,
  seconds: number,
): Promise<void> {
  const tests = (await filesBelow(join(copy, "tests", folder)))
    .filter((path) => path.endsWith("_test.ts")).map((path) => relative(copy, path));
  const mutants: Mutant[] = [];
  for (const path of await filesBelow(join(copy, "lib", folder))) {
    if (!path.endsWith(".ts") || path.endsWith("/mod.ts")) continue;
    mutants.push(...mutantsOf(relative(copy, path), await Deno.readTextFile(path)));
  }
  const random = createRandom(seed).fork(folder);
  const chosen = Array.from(
    { length: Math.min(sample, mutants.length) },
    () => mutants.splice(Math.floor(random.next() * mutants.length), 1)[0],
  );
  let killed = 0;
  for (const mutant of chosen) {
    const path = join(copy, mutant.file), text = await Deno.readTextFile(path);
    const { at, from, to } = mutant;
    await Deno.writeTextFile(path, text.slice(0, at) + to + text.slice(at + from.length));
    let alive = true;
    for (const test of testsFor(mutant.file, tests)) {
      alive = await passes(copy, test, seconds);
      if (!alive) break;
    }
    await Deno.writeTextFile(path, text);
    if (!alive) killed++;
    else console.log(`  survived: ${mutant.file}:${mutant.line} "${from.trim()}" → "${to.trim()}"`);
  }
  console.log(`${folder}: ${killed} of ${chosen.length} killed`);
}

if (import.meta.main) await main();
