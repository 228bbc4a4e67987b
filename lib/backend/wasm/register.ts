/** Registration of kernels for the "wasm" backend. */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";

/** What a kernel gets: its inputs and attributes by name, and the backend. */
export interface KernelCall<I extends string, A> {
  inputs: Record<I, tf.Tensor4D>;
  attrs: A;
  backend: BackendWasm;
}

/** What a kernel gives. */
export type KernelResult = tf.TensorInfo | tf.TensorInfo[];

/**
 * Registers `run` as the kernel `kernelName`, in place of the backend's own if there is one: that one
 * is what `own` calls, for the cases that `run` leaves to it.
 */
export function registerWasmKernel<I extends string, A = unknown>(
  kernelName: string,
  run: (call: KernelCall<I, A>, own: () => KernelResult) => KernelResult,
): void {
  const replaced = tf.getKernel(kernelName, "wasm");
  if (replaced) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({
    kernelName,
    backendName: "wasm",
    kernelFunc: (call) =>
      run(call as unknown as KernelCall<I, A>, () => {
        if (!replaced) throw new Error(`wasm has no kernel ${kernelName} for this case`);
        return replaced.kernelFunc(call);
      }),
  });
}
