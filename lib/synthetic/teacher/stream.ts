/** Teaching samples drawn by threads ahead of their use. */
import { drawTeaching, type TeachingOptions, type TeachingSample } from "./teaching.ts";

/** How {@link teachingStream} draws. */
export interface TeachingStreamOptions extends TeachingOptions {
  /** Threads that draw; 0 draws on this one, when a sample is asked for. Default 1. */
  workers?: number;
  /** Samples that are drawn or being drawn before they are asked for; default 2 a worker. */
  ahead?: number;
  /** Index of the first sample; default 0. */
  from?: number;
}

/** A request to a thread. */
export interface TeachingRequest {
  seed: number;
  index: number;
  options: TeachingOptions;
}

/** The answer of a thread: the sample, or the message of what it threw. */
export type TeachingReply = { index: number; sample: TeachingSample } | {
  index: number;
  error: string;
};

/**
 * An endless series of teaching samples: index `from`, `from` + 1, … of {@link drawTeaching}. Order
 * and pixels depend on the seed and the drawing options alone, not on the number of threads.
 *
 * Leaving the loop (or calling `return`) ends the threads.
 *
 * @throws {RangeError} for counts that are no integers in range, or options that drawTeaching refuses
 * @throws {Error} when a thread fails
 * @example
 * ```ts
 * import { teachingStream } from "crypts/synthetic";
 * let pixels = 0;
 * for await (const { image } of teachingStream(7, { side: 256, workers: 2, ahead: 8 })) {
 *   pixels += image.height * image.width;
 *   if (pixels > 1e6) break;
 * }
 * ```
 */
export async function* teachingStream(
  seed: number,
  streamOptions: TeachingStreamOptions = {},
): AsyncGenerator<TeachingSample, void, void> {
  const { workers = 1, ahead = 2 * workers, from = 0, ...options } = streamOptions;
  checkCount("workers", workers);
  checkCount("ahead", ahead);
  checkCount("from", from);
  if (workers === 0) {
    for (let index = from;; index++) yield drawTeaching(seed, index, options);
  }
  const crew = new Crew(workers, seed, options);
  try {
    const pending: Promise<TeachingSample>[] = [];
    let next = from;
    for (;;) {
      while (pending.length < Math.max(1, ahead)) pending.push(crew.draw(next++));
      yield await pending.shift()!;
    }
  } finally {
    crew.close();
  }
}

function checkCount(name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 0)) {
    throw new RangeError(`${name} must be an integer of at least 0, got ${value}`);
  }
}

interface Waiting {
  resolve(sample: TeachingSample): void;
  reject(error: Error): void;
}

class Crew {
  private readonly waiting = new Map<number, Waiting>();
  private readonly threads: Worker[];

  constructor(
    workers: number,
    private readonly seed: number,
    private readonly options: TeachingOptions,
  ) {
    this.threads = Array.from({ length: workers }, () => {
      const thread = new Worker(new URL("./teaching_worker.ts", import.meta.url), {
        type: "module",
      });
      thread.onmessage = ({ data }: MessageEvent<TeachingReply>) => this.receive(data);
      thread.onerror = (event) => {
        event.preventDefault();
        this.fail(new Error(`drawing thread: ${event.message}`));
      };
      return thread;
    });
  }

  draw(index: number): Promise<TeachingSample> {
    const drawn = new Promise<TeachingSample>((resolve, reject) => {
      this.waiting.set(index, { resolve, reject });
    });
    // A failure is reported where the sample is awaited, perhaps later.
    drawn.catch(() => {});
    const request: TeachingRequest = { seed: this.seed, index, options: this.options };
    this.threads[index % this.threads.length].postMessage(request);
    return drawn;
  }

  close(): void {
    for (const thread of this.threads) thread.terminate();
    this.fail(new Error("the drawing threads were closed"));
  }

  private receive(reply: TeachingReply): void {
    const request = this.waiting.get(reply.index);
    this.waiting.delete(reply.index);
    if ("sample" in reply) request?.resolve(reply.sample);
    else request?.reject(new RangeError(reply.error));
  }

  private fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}
