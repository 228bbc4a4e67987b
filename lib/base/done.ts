/**
 * State files that say "done": removed before any file they speak for is touched, and holding the
 * digests of these files, so that a run killed at any moment never passes for a finished one.
 */
import { dirname, relative, resolve } from "node:path";
import { exists, writeWhole } from "./files.ts";
import { changes, type FileDigests, type Fingerprint } from "./fingerprint.ts";

/** What a state file says. */
export interface Done<Note> {
  /** What the files were made from. */
  made: Fingerprint;
  /** SHA-256 of each file, by its path from the state file's folder. */
  files: Record<string, string>;
  /** What else the step wants to know when it finds its result. */
  note: Note;
}

/** The state at `path`; null when there is none or it is damaged: then nothing counts as done. */
export async function readDone<Note>(path: string): Promise<Done<Note> | null> {
  try {
    const { made, files, note } = JSON.parse(await Deno.readTextFile(path));
    return made && files ? { made, files, note } : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Why the result of `state` cannot be used for `wanted`: what has changed, or which of its files is
 * missing or no longer what was written, in words that follow "since". Null when it can be used.
 */
export async function whyNotDone(
  path: string,
  state: Done<unknown> | null,
  wanted: Fingerprint,
  digests: FileDigests,
): Promise<string | null> {
  if (!state) return "not made yet";
  const { made, files } = state, changed = changes(made, wanted);
  if (made.step !== wanted.step || made.version !== wanted.version) return changed[0];
  if (changed.length > 0) return `${changed.join(", ")} changed`;
  for (const [file, digest] of Object.entries(files)) {
    const at = resolve(dirname(path), file);
    if (!await exists(at)) return `${file} is missing`;
    if (await digests.of(at) !== digest) return `${file} was changed`;
  }
  return null;
}

/** Takes the state back: to be called before any of its files is written, changed or removed. */
export async function clearDone(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new Error(`cannot remove ${path}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/**
 * Says that `files` are done: to be called when all of them are written.
 *
 * @throws {Error} naming a file that is not there, or the state that cannot be written
 */
export async function writeDone<Note>(
  path: string,
  made: Fingerprint,
  files: readonly string[],
  digests: FileDigests,
  note: Note,
): Promise<void> {
  const written: Record<string, string> = {};
  for (const file of files) {
    written[relative(dirname(path), resolve(file))] = await digests.of(file);
  }
  await writeWhole(path, JSON.stringify({ made, files: written, note }) + "\n");
}
