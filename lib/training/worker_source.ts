/** Samples decoded and augmented in worker threads, while this one computes. */
import type { SampleRequest, SampleSettings, SampleSource, TargetSample } from "./sample_source.ts";

/** The first message to a worker. */
export interface WorkerSetup extends SampleSettings {
  /** A name that `createAugmentation` knows. */
  augmentation: string;
  seed: number;
  cacheBytes: number;
}

/** A request to a worker, and its answer. */
export interface WorkerRequest {
  id: number;
  request: SampleRequest;
}
/** See {@link WorkerRequest}. */
export type WorkerReply =
  | { id: number; sample: TargetSample }
  | { id: number; error: string; name: string };

interface Waiting {
  resolve(sample: TargetSample): void;
  reject(error: Error): void;
}

/**
 * A source of `workers` threads. A patch always goes to the same one, so that caches hold it once;
 * samples are the same for any number of threads, since each has its own stream of random numbers.
 */
export function workerSource(setup: WorkerSetup, workers: number): SampleSource {
  const waiting = new Map<number, Waiting>();
  let failure: Error | null = null;
  const fail = (error: Error) => {
    failure = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const threads = Array.from({ length: workers }, () => {
    const thread = new Worker(new URL("./sample_worker.ts", import.meta.url), { type: "module" });
    thread.onmessage = ({ data }: MessageEvent<WorkerReply>) => {
      const request = waiting.get(data.id);
      waiting.delete(data.id);
      if (!request) return;
      if ("sample" in data) return request.resolve(data.sample);
      request.reject(new (data.name === "RangeError" ? RangeError : Error)(data.error));
    };
    thread.onerror = (event) => {
      event.preventDefault();
      fail(new Error(`data worker: ${event.message}`));
    };
    thread.postMessage({ ...setup, cacheBytes: setup.cacheBytes / workers });
    return thread;
  });
  const threadOf = new Map<string, Worker>();
  let next = 0;
  return {
    prepare(request) {
      if (failure) return Promise.reject(failure);
      let thread = threadOf.get(request.imagePath);
      if (!thread) {
        thread = threads[threadOf.size % workers];
        threadOf.set(request.imagePath, thread);
      }
      const id = next++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        thread.postMessage({ id, request } satisfies WorkerRequest);
      });
    },
    close() {
      for (const thread of threads) thread.terminate();
      fail(new Error("the data workers were closed"));
    },
  };
}
