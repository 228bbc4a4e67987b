/** Numbers among the options of `deno task infer` and `deno task oof`. */
import { availableParallelism } from "node:os";
import { plainNumber } from "./command.ts";

/** @throws {RangeError} naming an option that is no number */
export function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = plainNumber(text);
  if (!Number.isFinite(value)) throw new RangeError(`--${name} must be a number, got "${text}"`);
  return value;
}

/** @throws {RangeError} naming an option that is no number > 0 */
export function positive(name: string, text: string | undefined): number | undefined {
  const value = number(name, text);
  if (value !== undefined && !(value > 0)) {
    throw new RangeError(`--${name} must be > 0, got "${text}"`);
  }
  return value;
}

/**
 * @param why said of `most`
 * @throws {RangeError} naming an option that is no integer, or out of range
 */
export function whole(
  name: string,
  text: string | undefined,
  least: number,
  most = Infinity,
  why = "",
): number | undefined {
  const value = number(name, text);
  if (value !== undefined && value > most) {
    throw new RangeError(`--${name} must be at most ${most}${why}, got ${value}`);
  }
  if (value !== undefined && !(Number.isInteger(value) && value >= least)) {
    throw new RangeError(`--${name} must be an integer >= ${least}, got "${text}"`);
  }
  return value;
}

/** More threads than this per core only wait for each other. */
const MOST_PER_CORE = 4;

/**
 * @param processes that have so many threads each
 * @throws {RangeError} when `--threads` is no number of threads that this machine can use
 */
export function threadsOption(text: string | undefined, processes = 1): number | undefined {
  const most = Math.max(1, Math.floor(MOST_PER_CORE * availableParallelism() / processes));
  const shared = processes > 1 ? `, shared by ${processes} workers` : "";
  return whole("threads", text, 1, most, ` (${MOST_PER_CORE} per core${shared})`);
}

/** `k/n`: a worker's number and the number of all. */
export function partOf(text: string | undefined): { number: number; of: number } | null {
  if (text === undefined) return null;
  const [number, of] = text.split("/").map(plainNumber);
  if (!(Number.isInteger(number) && Number.isInteger(of) && number >= 0 && number < of)) {
    throw new RangeError(`--part must be k/n with 0 <= k < n, got "${text}"`);
  }
  return { number, of };
}
