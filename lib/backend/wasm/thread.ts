/** A helper thread: sleeps until there is a task, works on it, sleeps again. */
import { parentPort, workerData } from "node:worker_threads";
import { CONTROL_BYTES, kernelTable, Slot, workOn } from "./task.ts";

const { shared, module, memory } = workerData as {
  shared: SharedArrayBuffer;
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
};
const control = new Int32Array(shared, 0, CONTROL_BYTES / 4);
const task = new Float64Array(shared, CONTROL_BYTES);
const { table } = kernelTable(module, memory);
let generation = Atomics.load(control, Slot.generation);
parentPort!.postMessage("ready");
for (;;) {
  Atomics.wait(control, Slot.generation, generation);
  generation = Atomics.load(control, Slot.generation);
  workOn(control, task, table);
}
