/** Cloning a tensor without copying its values. */
import * as tf from "@tensorflow/tfjs-core";
import { registerWasmKernel } from "./register.ts";

/**
 * Registers `Identity`. Every tensor that a gradient needs is kept as a clone: the backend's own kernel
 * copies its values, which nobody ever changes, so that all activations lay in memory twice.
 */
export function registerIdentity(): void {
  registerWasmKernel<"x">(tf.Identity, ({ inputs: { x }, backend }, own) => {
    if (x.dtype === "string" as tf.DataType) return own();
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  });
}
