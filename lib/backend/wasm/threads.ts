/** The threads that share TensorFlow.js's memory and the work of a kernel. */
import { Worker } from "node:worker_threads";
import {
  CONTROL_BYTES,
  type KernelTable,
  kernelTable,
  MOST_SLICES,
  Slot,
  TASK_NUMBERS,
  workOn,
} from "./task.ts";

/** How one kernel call is cut. */
export interface Call {
  kernel: string;
  /** Arguments before the range of work. */
  args: number[];
  /** By how much each argument moves from slice to slice; default: not. */
  steps?: number[];
  /** Size of the whole range. */
  work: number;
  /** Number of slices, up to `MOST_SLICES`; default: one for each thread, four without `steps`. */
  slices?: number;
  /** Arguments after the range. */
  rest?: number[];
}

/** How often the caller looks for the end of a task before it goes to sleep: some 10 microseconds. */
const SPINS = 1000;

/** Runs kernels on this thread and its helpers. */
export class ThreadPool {
  private readonly control: Int32Array;
  private readonly task: Float64Array;
  private readonly table: KernelTable;
  private readonly index: Map<string, number>;
  private helpers: Worker[] = [];

  private constructor(
    private readonly shared: SharedArrayBuffer,
    private readonly module: WebAssembly.Module,
    private readonly memory: WebAssembly.Memory,
  ) {
    this.control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
    this.task = new Float64Array(shared, CONTROL_BYTES);
    const { names, table } = kernelTable(module, memory);
    this.table = table;
    this.index = new Map(names.map((name, i) => [name, i]));
  }

  /** A pool of `threads` threads, this one among them. */
  static async start(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    threads: number,
  ): Promise<ThreadPool> {
    const shared = new SharedArrayBuffer(CONTROL_BYTES + 8 * TASK_NUMBERS);
    const pool = new ThreadPool(shared, module, memory);
    pool.helpers = await Promise.all(
      Array.from({ length: threads - 1 }, () => pool.startHelper()),
    );
    return pool;
  }

  /** Threads that share the work. */
  get threads(): number {
    return this.helpers.length + 1;
  }

  /** How finely to cut a task: where slices cost nothing, so finely that no thread waits long. */
  slices(free: boolean): number {
    return free && this.threads > 1 ? 4 * this.threads : this.threads;
  }

  /** Runs a kernel to its end. */
  run({ kernel, args, steps, work, slices = this.slices(!steps), rest = [] }: Call): void {
    const { control, task } = this;
    const index = this.index.get(kernel);
    if (index === undefined) throw new RangeError(`no kernel "${kernel}" in kernels.wasm`);
    if (!(slices >= 1 && slices <= MOST_SLICES)) {
      throw new RangeError(`a task has 1 to ${MOST_SLICES} slices, got ${slices}`);
    }
    task.set([index, work, slices, args.length, rest.length]);
    task.set(args, 5);
    task.fill(0, 5 + args.length, 5 + 2 * args.length);
    if (steps) task.set(steps, 5 + args.length);
    task.set(rest, 5 + 2 * args.length);
    Atomics.store(control, Slot.finished, 0);
    Atomics.store(control, Slot.claims, slices << 16);
    if (this.helpers.length > 0 && slices > 1) {
      Atomics.add(control, Slot.generation, 1);
      Atomics.notify(control, Slot.generation);
    }
    workOn(control, task, this.table);
    for (let spins = 0;; spins++) {
      const finished = Atomics.load(control, Slot.finished);
      if (finished === slices) break;
      if (spins > SPINS) Atomics.wait(control, Slot.finished, finished);
    }
    if (Atomics.exchange(control, Slot.failed, 0)) {
      throw new Error(`kernel ${kernel} reached outside of the WebAssembly memory`);
    }
  }

  /** Ends the helpers; this thread goes on alone. */
  stop(): void {
    for (const helper of this.helpers) helper.terminate();
    this.helpers = [];
  }

  private startHelper(): Promise<Worker> {
    const { shared, module, memory } = this;
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      workerData: { shared, module, memory },
    });
    // A sleeping helper must not keep the process alive.
    return new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", () => {
        worker.unref();
        resolve(worker);
      });
    });
  }
}
