/** Files that are whole or absent: everything is written under a temporary name and renamed. */
import { dirname } from "node:path";

/**
 * Writes `data` to `path` so that a reader sees the old file or the new one, never half of it.
 * Missing parent folders are made.
 *
 * @throws {Error} naming the path when it cannot be written; nothing is left behind
 */
export async function writeWhole(path: string, data: Uint8Array | string): Promise<void> {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  await writeWith(path, async (temporary) => {
    using file = await Deno.open(temporary, { write: true, create: true, truncate: true });
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    // On the disk before it has its name: after a power cut, the old file is there or the new one.
    await file.syncData();
  });
}

/**
 * Calls `write(temporary)` and renames the temporary file to `path` when it has succeeded.
 * For writers that want a path (sharp, polars). The temporary name keeps the extension.
 *
 * @throws {Error} naming the path when `write` fails; the temporary file is removed
 */
export async function writeWith(
  path: string,
  write: (temporary: string) => Promise<unknown> | unknown,
): Promise<void> {
  const cut = path.lastIndexOf("/") + 1;
  const temporary = `${path.slice(0, cut)}.part-${Deno.pid}-${path.slice(cut)}`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await write(temporary);
    await Deno.rename(temporary, path);
  } catch (cause) {
    await Deno.remove(temporary).catch(() => {});
    throw new Error(`cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Whether something exists at `path`. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/**
 * Refuses what is no file: opening a pipe waits for ever for its other end, and a device such as
 * `/dev/zero` has none. To be called before a file that the user names is opened; links are followed.
 *
 * @param what names the file in the error: `image a.png`
 * @throws {Deno.errors.NotFound} when there is nothing
 * @throws {RangeError} naming what it is instead of a file
 */
export function refuseSpecial(path: string, what: string): void {
  const info = Deno.statSync(path);
  if (info.isFile) return;
  const kind = info.isDirectory
    ? "a folder"
    : info.isFifo
    ? "a pipe"
    : info.isSocket
    ? "a socket"
    : "a device";
  throw new RangeError(`${what} is ${kind}, expected a file`);
}

/**
 * Removes the temporary files that writers of this module have left in `folder` when their process
 * died. Only for a folder in which nobody else is writing (see `lockFolder`); a missing one is none.
 */
export async function sweepTemporary(folder: string): Promise<void> {
  if (!await exists(folder)) return;
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    if (isFile && /^\.part-\d+-/.test(name)) await Deno.remove(`${folder}/${name}`);
  }
}
