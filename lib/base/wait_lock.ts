/** A file that one process at a time may hold, on this machine or on a shared folder. */

/** Between two tries. */
const PAUSE_MS = 200;

/** Options of {@link withLock}. */
export interface LockOptions {
  /** Called once, when another process (or another part of this one) holds the lock. */
  onWait?: () => void;
  signal?: AbortSignal;
}

/**
 * Runs `work` while it alone holds the lock file `path`, which is made when absent and stays. The
 * operating system lets go of the lock when the process ends, however it ends.
 *
 * @returns what `work` returns
 * @throws what `work` throws, the signal's reason when aborted while waiting, or the error of opening
 *   the file
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  { onWait, signal }: LockOptions = {},
): Promise<T> {
  using file = await Deno.open(path, { write: true, create: true });
  for (let tries = 0; !await file.tryLock(true); tries++) {
    if (tries === 0) onWait?.();
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  try {
    return await work();
  } finally {
    await file.unlock();
  }
}
