/** A file over HTTP: resumed where it stopped, checked, and whole or absent under its name. */
import { dirname } from "node:path";
import { digestFile } from "../../base/mod.ts";

/** How {@link download} works. */
export interface DownloadOptions {
  /** The first digits of the file's SHA-256, or all of them. */
  sha256: string;
  /** Bytes so far and in all (null where the server does not say). */
  onProgress?: (done: number, total: number | null) => void;
  signal?: AbortSignal;
  /** Tries after a broken connection; default 5. */
  tries?: number;
  /** Before the second try, doubled for each further one; default 500. */
  pauseMs?: number;
  /** A connection that sends nothing for so long is broken; default 30,000. */
  idleMs?: number;
}

/** The server does not have the file, or not for us: another try would not help. */
class Refused extends Error {}

/**
 * Downloads `url` to `path` by way of `<path>.part`, which a broken download leaves behind for the next.
 * Redirects are followed, proxies are those of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
 *
 * @throws {Error} saying what went wrong: what the server answered, a broken connection, a wrong
 *   checksum (the file is then removed), a folder that cannot be written
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const { sha256, signal, tries = 5, pauseMs = 500 } = options;
  const part = `${path}.part`;
  await Deno.mkdir(dirname(path), { recursive: true });
  for (let attempt = 1;; attempt++) {
    const start = await sizeOf(part);
    try {
      await fetchRest(url, part, start, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Refused || attempt >= tries || isOfDisk(error)) {
        throw new Error(`${url}: ${(error as Error).message}`, { cause: error });
      }
      await pause(pauseMs * 2 ** (attempt - 1), signal);
      continue;
    }
    const found = await digestFile(part);
    if (found.startsWith(sha256)) break;
    await Deno.remove(part);
    // The first part may have been of another file: once more from the start.
    if (start > 0 && attempt < tries) continue;
    throw new Error(
      `${url} is not the file that is wanted: its SHA-256 begins with ` +
        `${found.slice(0, Math.max(8, sha256.length))} instead of ${sha256} ` +
        "(a changed file, or a page of a proxy in its place)",
    );
  }
  await Deno.rename(part, path);
}

/** Appends to `part` what comes after its first `start` bytes. */
async function fetchRest(url: string, part: string, start: number, options: DownloadOptions) {
  const { onProgress, idleMs = 30_000 } = options;
  const idle = new AbortController();
  const timer = new IdleTimer(idleMs, () => idle.abort(new Error(`nothing came for ${idleMs} ms`)));
  const signal = options.signal ? AbortSignal.any([options.signal, idle.signal]) : idle.signal;
  try {
    const response = await fetch(url, {
      signal,
      // Without this, servers may compress, and sizes and ranges would be those of other bytes.
      headers: {
        "accept-encoding": "identity",
        ...(start > 0 ? { range: `bytes=${start}-` } : {}),
      },
    });
    const from = await startOf(response, start, part);
    const length = Number(response.headers.get("content-length") ?? NaN);
    const total = Number.isFinite(length) ? from + length : null;
    using file = await Deno.open(part, { write: true, create: true });
    await file.truncate(from);
    await file.seek(from, Deno.SeekMode.Start);
    let done = from;
    onProgress?.(done, total);
    for await (const chunk of response.body ?? []) {
      timer.restart();
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      done += chunk.length;
      onProgress?.(done, total);
    }
    if (total !== null && done < total) throw new Error(`it ended after ${done} of ${total} bytes`);
  } finally {
    timer.stop();
  }
}

/** The place in the file where a response's body begins. */
async function startOf(response: Response, wanted: number, part: string): Promise<number> {
  const { status } = response;
  if (status === 200) return 0;
  if (status === 206) {
    const range = response.headers.get("content-range") ?? "";
    const first = Number(/^bytes (\d+)-/.exec(range)?.[1] ?? NaN);
    if (first === wanted) return wanted;
    await response.body?.cancel();
    await Deno.remove(part);
    throw new Error(`the server sent the range "${range}" instead of one from ${wanted}`);
  }
  await response.body?.cancel();
  const answer = `the server answered ${status} ${response.statusText}`.trim();
  if (status === 416) {
    // There is nothing behind what we have: it is another file, or all of it.
    await Deno.remove(part);
    throw new Error(answer);
  }
  if (status >= 500 || status === 429 || status === 408) throw new Error(answer);
  throw new Refused(answer);
}

/** Calls `onIdle` when it has not been restarted for `ms`. */
class IdleTimer {
  private timer: ReturnType<typeof setTimeout>;

  constructor(private readonly ms: number, private readonly onIdle: () => void) {
    this.timer = setTimeout(onIdle, ms);
  }

  restart(): void {
    this.stop();
    this.timer = setTimeout(this.onIdle, this.ms);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

function isOfDisk(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.NotFound ||
    /os error (28|30|122)/.test(String(error));
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
