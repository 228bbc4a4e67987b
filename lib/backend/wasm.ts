/**
 * TensorFlow.js on WebAssembly, made able to train, on every core.
 *
 * The backend's module is started with its memory declared as shared (`wasm/memory.ts`). A second
 * module of our own kernels (`wasm/kernels/*.c`) is instantiated on that memory once for each thread;
 * `wasm/threads.ts` cuts every kernel call into slices. The other files register TensorFlow.js kernels:
 * convolutions and the gradients that the backend lacks or gets wrong, and the fused operations of
 * `lib/tensor/`. What is not registered here runs on the backend's own kernels, on one thread.
 */
import { fileURLToPath } from "node:url";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import type { BackendCandidate } from "./candidate.ts";
import { kernelKind } from "./wasm/binary.ts";
import { registerActivations } from "./wasm/activation.ts";
import { registerAdamStep } from "./wasm/adam_step.ts";
import { registerBatchNorm } from "./wasm/batch_norm.ts";
import { registerChannels } from "./wasm/channels.ts";
import { registerConv } from "./wasm/conv.ts";
import { registerDepthwise } from "./wasm/depthwise.ts";
import { registerIdentity } from "./wasm/identity.ts";
import { loadKernels, threads } from "./wasm/kernels.ts";
import { captureMemory } from "./wasm/memory.ts";
import { registerPoolGradients } from "./wasm/pool_gradients.ts";
import { registerResize } from "./wasm/resize.ts";
import { registerRunningStatistics } from "./wasm/running_statistics.ts";
import { registerSegmentSum } from "./wasm/segment_sum.ts";
import { registerSqueezeExcite } from "./wasm/squeeze_excite.ts";

let started: Promise<void> | null = null;

/** The default wherever nothing native is installed. */
export const wasm: BackendCandidate = {
  name: "wasm",
  async activate() {
    await (started ??= start());
    await tf.setBackend("wasm");
    const count = threads();
    const simd = kernelKind() === "relaxed" ? "relaxed SIMD" : "SIMD";
    return `CPU, WebAssembly ${simd}, ${count} thread${count === 1 ? "" : "s"}`;
  },
};

async function start(): Promise<void> {
  const main = import.meta.resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(fileURLToPath(main))}/`);
  const memory = await captureMemory(async () => {
    if (!await tf.setBackend("wasm")) throw new Error("the WebAssembly module did not start");
  }, true);
  await loadKernels(memory, wantedThreads());
  registerChannels();
  registerConv();
  registerDepthwise();
  registerIdentity();
  registerPoolGradients();
  registerResize();
  registerRunningStatistics();
  registerSegmentSum();
  registerBatchNorm();
  registerActivations();
  registerSqueezeExcite();
  registerAdamStep();
}

/** All cores, or what `CRYPTS_THREADS` says. */
function wantedThreads(): number {
  const wanted = Deno.env.get("CRYPTS_THREADS");
  if (wanted === undefined) return navigator.hardwareConcurrency;
  const count = Number(wanted);
  if (!(Number.isInteger(count) && count >= 1 && count <= 256)) {
    throw new RangeError(`CRYPTS_THREADS must be 1 to 256, got "${wanted}"`);
  }
  return count;
}
