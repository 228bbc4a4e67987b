/** How the commands of `deno task` end: with 0, or with one sentence and 1 or 2. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { exists } from "crypts/base";

/** The command cannot be run as it was given; nothing has been started. */
export class UsageError extends Error {
  override name = "UsageError";
}

/**
 * Runs a command and tells its failure in one sentence, without a stack.
 *
 * @param work gives the exit code, or nothing for 0
 * @returns the exit code: 2 for a {@link UsageError}, 1 for any other failure
 */
export async function runCommand(work: () => Promise<number | void>): Promise<number> {
  try {
    return await work() ?? 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Does `work`; whatever it throws is the caller's mistake. */
export async function checking<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/**
 * Node's `parseArgs`, which of an option given twice takes the last without a word; here only options
 * that are `multiple` may be given more than once.
 *
 * @throws {TypeError} for unknown options and missing values, in Node's words
 * @throws {RangeError} naming an option that is given twice
 */
export function parseOptions<T extends ParseArgsConfig>(
  given: T,
): ReturnType<typeof parseArgs<T>> {
  const config = { ...given, args: withNegatives(given.args ?? Deno.args, given.options ?? {}) };
  const result = parseArgs(config) as ReturnType<typeof parseArgs<T>>;
  const { tokens } = parseArgs({ ...config, tokens: true });
  const { options = {} } = config, seen = new Set<string>();
  for (const token of tokens ?? []) {
    if (token.kind !== "option") continue;
    // `--no-labels` is the option `labels`, too.
    const name = token.name in options ? token.name : token.name.replace(/^no-/, "");
    if (options[name]?.multiple) continue;
    if (seen.has(name)) throw new RangeError(`--${name} is given more than once: give it once`);
    seen.add(name);
  }
  return result;
}

/** `--sides -1,0` becomes `--sides=-1,0`, so that the option itself says what it takes. */
function withNegatives(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig["options"]>,
): string[] {
  const out: string[] = [];
  for (const arg of args) {
    const option = Object.entries(options).find(([name]) => out.at(-1) === `--${name}`)?.[1];
    if (option?.type === "string" && /^-[\d.]/.test(arg)) out.push(`${out.pop()}=${arg}`);
    else out.push(arg);
  }
  return out;
}

/** @throws {RangeError} naming an option whose text is empty */
export function refuseEmpty(options: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(options)) {
    const texts = Array.isArray(value) ? value : [value];
    if (texts.some((text) => typeof text === "string" && text.trim() === "")) {
      throw new RangeError(`--${name} is empty: give it a value, or leave it out`);
    }
  }
}

/** A number in decimal notation; NaN for all else, `0x1f` and `0b1` among it. */
export function plainNumber(text: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : NaN;
}

/** @throws {RangeError} naming an option that is no number, or outside of its range */
export function numberOption(
  name: string,
  text: string | undefined,
  what: string,
  fits: (value: number) => boolean,
): number | undefined {
  if (text === undefined) return undefined;
  const value = plainNumber(text);
  if (Number.isFinite(value) && fits(value)) return value;
  throw new RangeError(`--${name} must be ${what}, got "${text}"`);
}

/** @throws {RangeError} naming the option whose path is no file */
export async function needFile(name: string, path: string | undefined): Promise<void> {
  if (path === undefined || (await exists(path) && (await Deno.stat(path)).isFile)) return;
  throw new RangeError(`--${name} ${path} is no file`);
}

/** @throws {RangeError} naming the option whose path is there and no folder */
export async function needFolderOrNothing(name: string, path: string | undefined): Promise<void> {
  if (path === undefined || !await exists(path) || (await Deno.stat(path)).isDirectory) return;
  throw new RangeError(`--${name} ${path} is a file, and a folder is needed`);
}
