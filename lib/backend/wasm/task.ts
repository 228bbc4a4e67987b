/** A call of a kernel cut into slices, as it lies in the memory that all threads share. */

/**
 * Slots of the control block (Int32Array). `claims` holds the number of slices in its upper half and
 * how many of them are taken in its lower one; `finished` counts those that are done, `failed` says
 * that one of them ran into a trap.
 */
export const Slot = { generation: 0, claims: 1, finished: 2, failed: 3 } as const;

/** The most slices that a task can have. */
export const MOST_SLICES = 0x7fff;

/** Bytes of the control block, after which the task lies as float64 numbers. */
export const CONTROL_BYTES = 64;

/** The most numbers that a task takes. */
export const TASK_NUMBERS = 128;

/** The functions of `kernels.wasm`, in the order of their index. */
export type KernelTable = ((...args: number[]) => void)[];

/**
 * Works on the task until no slice is left. A slice gets the arguments moved on by its own share of
 * `steps`, then its range of the work, then the rest.
 *
 * The task may be read only between claiming a slice and reporting it: until then nobody changes it. So
 * a thread that wakes up late does no harm, and nobody waits for it.
 */
export function workOn(control: Int32Array, task: Float64Array, kernels: KernelTable): void {
  for (let slice = claim(control); slice >= 0; slice = claim(control)) {
    const [kernel, work, slices, before, after] = task;
    const args = new Array<number>(before + 2 + after);
    for (let i = 0; i < before; i++) args[i] = task[5 + i] + slice * task[5 + before + i];
    args[before] = Math.floor(work * slice / slices);
    args[before + 1] = Math.floor(work * (slice + 1) / slices);
    for (let i = 0; i < after; i++) args[before + 2 + i] = task[5 + 2 * before + i];
    try {
      if (args[before] < args[before + 1]) kernels[kernel](...args);
    } catch {
      Atomics.store(control, Slot.failed, 1);
    }
    Atomics.add(control, Slot.finished, 1);
    Atomics.notify(control, Slot.finished);
  }
}

/** The next slice that nobody has, or -1. */
function claim(control: Int32Array): number {
  for (;;) {
    const claims = Atomics.load(control, Slot.claims);
    const taken = claims & 0xffff;
    if (taken >= claims >>> 16) return -1;
    if (Atomics.compareExchange(control, Slot.claims, claims, claims + 1) === claims) return taken;
  }
}

/** Instantiates the kernels on `memory`. */
export function kernelTable(module: WebAssembly.Module, memory: WebAssembly.Memory) {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const names = WebAssembly.Module.exports(module).map((e) => e.name);
  return { names, table: names.map((name) => exports[name]) as unknown as KernelTable };
}
