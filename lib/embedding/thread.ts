/** Jobs on a worker thread, so that a notebook's kernel stays alive. */
import type { Matrix } from "./distances.ts";
import type { Embedding, EmbeddingJob } from "./job.ts";

/** What the worker takes, and what it gives back for it. */
export interface Tasks {
  distances: { input: Matrix; output: Float64Array };
  embed: { input: EmbeddingJob; output: Embedding };
}

/** A message to the worker. */
export type Task = { [K in keyof Tasks]: { kind: K; input: Tasks[K]["input"] } }[keyof Tasks];

/**
 * Runs a task in a worker of its own, which ends with it.
 *
 * @param transfer buffers that move to the worker instead of being copied
 * @throws what the task throws (RangeError or Error); the signal's reason when aborted
 */
export function runInWorker<K extends keyof Tasks>(
  kind: K,
  input: Tasks[K]["input"],
  options: {
    transfer?: ArrayBuffer[];
    onProgress?: (share: number) => void;
    signal?: AbortSignal;
  } = {},
): Promise<Tasks[K]["output"]> {
  const { signal } = options;
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const end = (act: () => void) => {
      worker.terminate();
      signal?.removeEventListener("abort", abort);
      act();
    };
    const abort = () => end(() => reject(signal!.reason));
    signal?.addEventListener("abort", abort);
    worker.onerror = (event) => {
      event.preventDefault();
      end(() => reject(new Error(`embedding worker: ${event.message}`)));
    };
    worker.onmessage = ({ data }) => {
      if ("share" in data) return options.onProgress?.(data.share);
      if ("output" in data) return end(() => resolve(data.output));
      const Kind = data.name === "RangeError" ? RangeError : Error;
      end(() => reject(new Kind(data.error)));
    };
    worker.postMessage({ kind, input }, options.transfer ?? []);
  });
}
