/** Registration of kernels for the native backend. */
import * as tf from "@tensorflow/tfjs-core";
import { NATIVE_BACKEND } from "./addon.ts";

/** A kernel's inputs by name. */
export type Inputs = Record<string, tf.TensorInfo>;

/** Registers `run` as the kernel `kernelName`, in place of tfjs-node's own if there is one. */
export function replaceKernel<A>(
  kernelName: string,
  run: (inputs: Inputs, attrs: A) => tf.TensorInfo | tf.TensorInfo[],
): void {
  if (tf.getKernel(kernelName, NATIVE_BACKEND)) tf.unregisterKernel(kernelName, NATIVE_BACKEND);
  tf.registerKernel({
    kernelName,
    backendName: NATIVE_BACKEND,
    kernelFunc: ({ inputs, attrs }) => run(inputs as Inputs, attrs as unknown as A),
  });
}
