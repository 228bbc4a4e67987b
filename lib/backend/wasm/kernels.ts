/** The project's own WebAssembly kernels (`kernels/*.c`), running in TensorFlow.js's memory. */
import type * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { kernelFile, kernelKind } from "./binary.ts";
import { type Call, ThreadPool } from "./threads.ts";

/** An address in the backend's memory, in bytes. */
export type Address = number;

let pool: ThreadPool | null = null;

/** Instantiates the kernels on the shared memory of the "wasm" backend, for `threads` threads. */
export async function loadKernels(memory: WebAssembly.Memory, threads: number): Promise<void> {
  const bytes = await Deno.readFile(kernelFile(kernelKind()));
  const module = await WebAssembly.compile(bytes);
  try {
    pool = await ThreadPool.start(module, memory, threads);
  } catch (error) {
    // Where helpers are forbidden, one thread is still better than another backend.
    console.warn(`wasm: no helper threads (${(error as Error).message}); going on with one`);
    pool = await ThreadPool.start(module, memory, 1);
  }
}

/** Threads that share the work of a kernel. */
export function threads(): number {
  return pool!.threads;
}

/** Slices into which a call without sums of its own should be cut. */
export function fineSlices(): number {
  return pool!.slices(true);
}

/** Runs the kernel `kernel` of `kernels.wasm` over a range of work, see {@link Call}. */
export function callKernel(call: Call): void {
  pool!.run(call);
}

/** Where the values of `tensor` lie. */
export function address(backend: BackendWasm, tensor: tf.TensorInfo): Address {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** What the backend's type leaves out of its Emscripten module. */
interface Heap {
  HEAPU8: Uint8Array<ArrayBuffer>;
  _malloc(bytes: number): number;
  _free(at: number): void;
}

const heap = (backend: BackendWasm) => backend.wasm as unknown as Heap;

/** Bytes of a cache line: a vector that lies across two is slow to load. */
const LINE = 64;

/** Runs `use` with `count` floats of scratch memory, zeroed unless told otherwise, then gives them back. */
export function withScratch<T>(
  backend: BackendWasm,
  count: number,
  use: (at: Address) => T,
  zeroed = true,
): T {
  // Addresses above 2 GiB come back negative.
  const block = heap(backend)._malloc(4 * count + LINE) >>> 0;
  if (!block) throw new Error(`out of WebAssembly memory: ${4 * count} bytes of scratch`);
  const at = Math.ceil(block / LINE) * LINE;
  try {
    if (zeroed) floats(backend, at, count).fill(0);
    return use(at);
  } finally {
    heap(backend)._free(block);
  }
}

/** A view of `count` floats; valid until memory is next allocated. */
export function floats(backend: BackendWasm, at: Address, count: number): Float32Array {
  return new Float32Array(heap(backend).HEAPU8.buffer, at, count);
}

/**
 * Fills `out` with the sum of what each slice of a kernel call adds to a zeroed copy of its own: the
 * order of the sum, and so the last bit of it, depends on the number of threads alone.
 *
 * @param add makes the call, of as many slices; gets the address of the first copy and the bytes from
 *   copy to copy
 * @param slices how many; default: one for each thread
 * @param zeroed false where each slice writes all of its copy
 */
export function sumSlices(
  backend: BackendWasm,
  out: tf.TensorInfo,
  add: (parts: Address, bytes: number) => void,
  slices = threads(),
  zeroed = true,
): void {
  const size = out.shape.reduce((a, b) => a * b, 1);
  withScratch(backend, slices * size, (parts) => {
    add(parts, 4 * size);
    const args = [parts, address(backend, out), slices, size];
    callKernel({ kernel: "sum_parts", args, work: size });
  }, zeroed);
}
