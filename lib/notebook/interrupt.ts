/** The stop button of a notebook: running loops end, the kernel lives on. */

/** What a loop throws when the stop button was pressed. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
  constructor() {
    super("stopped by the stop button; run the cell again to go on");
  }
}

/** Milliseconds between two looks at the file. */
const INTERVAL = 300;

const waiting = new Set<AbortController>();
let timer: ReturnType<typeof setInterval> | undefined;

/**
 * The file that the kernel makes when the stop button is pressed (`scripts/kernel.py`); undefined
 * outside of the project's own kernel. One from an earlier press is removed.
 */
export function interruptFile(): string | undefined {
  const path = Deno.env.get("CRYPTS_INTERRUPT") || undefined;
  if (path) taken(path);
  return path;
}

/**
 * A signal that is aborted with {@link InterruptedError} when the stop button is pressed, for one
 * loop; never aborted outside of the project's own kernel.
 *
 * @example
 * ```ts
 * import { interruptSignal } from "crypts/notebook";
 * const signal = interruptSignal();
 * for (let tile = 0; tile < 3; tile++) {
 *   signal.throwIfAborted();
 *   await new Promise((resolve) => setTimeout(resolve, 1));
 * }
 * ```
 */
export function interruptSignal(): AbortSignal {
  const path = interruptFile(), controller = new AbortController();
  if (!path) return controller.signal;
  // A cell that ended keeps its signal: the next press is not for it.
  waiting.clear();
  waiting.add(controller);
  if (timer === undefined) {
    const started = setInterval(() => {
      if (!taken(path)) return;
      for (const one of waiting) one.abort(new InterruptedError());
      waiting.clear();
    }, INTERVAL);
    Deno.unrefTimer(started);
    timer = started;
  }
  return controller.signal;
}

/** Removes the file; whether it was there. */
function taken(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
