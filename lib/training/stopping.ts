/** Ways to end a training from outside or by its own bad numbers. */

/** Thrown when a loss is NaN or infinite; the best weights of earlier epochs are on disk. */
export class DivergedError extends Error {
  override name = "DivergedError";
}

/** Whether `stopFile` exists; it is removed, so that the next run does not stop at once. */
export function takeStopFile(stopFile: string | undefined): boolean {
  if (!stopFile) return false;
  try {
    Deno.removeSync(stopFile);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Lets timers, signals, worker messages and a notebook's output have their turn. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
