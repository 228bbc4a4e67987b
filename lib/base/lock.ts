/** One run per output folder: a lock of the operating system, which a dead process cannot hold. */
import { join } from "node:path";

/** The file that is locked. */
const LOCK_FILE = ".lock";

/** A locked folder; `await using` or {@link FolderLock.release} gives it back. */
export interface FolderLock extends AsyncDisposable {
  release(): Promise<void>;
}

/** Two runs want one folder. */
export class FolderLockedError extends Error {
  override name = "FolderLockedError";
}

/**
 * Locks `folder` (made where it is missing) for this run by an advisory lock (`flock`) on its file
 * `.lock`. The lock ends with the process, however that ends; the file is removed on release.
 *
 * @param purpose what the run does, for the one that is refused: `"training"`
 * @param options.shared any number of runs may share the folder, but none that wants it alone; the file
 *   stays
 * @param options.file the name of the file that is locked, where runs share a folder but not all of it
 * @throws {FolderLockedError} naming folder and process when another run (of this process, too) has it
 * @throws {Error} naming the folder when it cannot be written
 * @example
 * ```ts
 * const folder = await Deno.makeTempDir();
 * const lock = await lockFolder(folder, "training");
 * await lock.release();
 * ```
 */
export async function lockFolder(
  folder: string,
  purpose: string,
  { shared = false, file: name = LOCK_FILE }: { shared?: boolean; file?: string } = {},
): Promise<FolderLock> {
  const path = join(folder, name);
  for (;;) {
    const file = await openLock(folder, path);
    try {
      if (!await file.tryLock(!shared)) throw new FolderLockedError(await refusal(folder, path));
      // The run before may have removed the file between our opening and locking it: then the lock
      // is on a file that nobody else will find, and has to be taken anew.
      if (!await isAt(file, path)) {
        file.close();
        continue;
      }
      if (!shared) {
        await file.truncate(0);
        await file.write(new TextEncoder().encode(JSON.stringify({ process: Deno.pid, purpose })));
      }
      return lockOf(file, shared ? null : path);
    } catch (error) {
      file.close();
      if (error instanceof FolderLockedError) throw error;
      throw new Error(`cannot lock ${folder}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** @param path the file to remove in the end; null: others may hold it too */
function lockOf(file: Deno.FsFile, path: string | null): FolderLock {
  let held = true;
  const release = async () => {
    if (!held) return;
    held = false;
    // Removed first: after closing, it could be the file of the next run. Windows removes no open
    // file; the file then stays, unlocked.
    if (path !== null) await Deno.remove(path).catch(() => {});
    file.close();
  };
  return { release, [Symbol.asyncDispose]: release };
}

async function openLock(folder: string, path: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.open(path, { read: true, write: true, create: true });
  } catch (cause) {
    throw new Error(`cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const [own, found] = await Promise.all([file.stat(), Deno.stat(path)]);
    return own.ino === found.ino && own.dev === found.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function refusal(folder: string, path: string): Promise<string> {
  let who = "another process", what = "";
  try {
    const { process, purpose } = JSON.parse(await Deno.readTextFile(path));
    who = process === Deno.pid ? `this process (${process})` : `process ${process}`;
    what = ` (${purpose})`;
  } catch {
    // The other run has not written its name yet, or the system lets nobody read a locked file.
  }
  return `${folder} is in use by ${who}${what}: wait for it, or write to another folder`;
}
