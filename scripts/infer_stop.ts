/** How `deno task infer` stops when it is told to. */

/** The run was stopped by a signal; its exit code is 128 and the signal's number, as shells have it. */
export class Interrupted extends Error {
  override name = "Interrupted";

  constructor(readonly code: number) {
    super("interrupted; finished images are kept");
  }
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Calls `work` with what aborts at the first SIGINT or SIGTERM, between two forward passes. A second
 * one ends the process at once: a library may be at work that nothing interrupts.
 *
 * @param onStop is called at the first signal
 */
export async function stoppable<T>(
  work: (signal: AbortSignal) => Promise<T>,
  onStop: (signal: "SIGINT" | "SIGTERM") => void = () => {},
): Promise<T> {
  const stop = new AbortController();
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const listener = () => {
      const code = 128 + SIGNALS[name];
      if (stop.signal.aborted) Deno.exit(code);
      onStop(name);
      stop.abort(new Interrupted(code));
    };
    Deno.addSignalListener(name, listener);
    return () => Deno.removeSignalListener(name, listener);
  });
  try {
    return await work(stop.signal);
  } finally {
    listeners.forEach((remove) => remove());
  }
}
