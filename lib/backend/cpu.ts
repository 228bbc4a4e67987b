/** TensorFlow.js in plain JavaScript: slow, complete, the yardstick of the other backends. */
import * as tf from "@tensorflow/tfjs-core";
import type { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-cpu";
import type { BackendCandidate } from "./candidate.ts";
import { averagePoolGradient, nearestGradient, poolInfo } from "./corrected_gradients.ts";

/** The backend of last resort. */
export const cpu: BackendCandidate = {
  name: "cpu",
  async activate() {
    mendGradients();
    if (!await tf.setBackend("cpu")) throw new Error("the cpu backend did not start");
    // Otherwise its first operation prints an advertisement for tfjs-node.
    (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
    return "plain JavaScript, one thread";
  },
};

/** Puts right what {@link ./mended_gradients.ts} names. */
function mendGradients(): void {
  mend<tf.ResizeNearestNeighborGradAttrs>(
    tf.ResizeNearestNeighborGrad,
    "images",
    (dy, dyShape, dx, shape, attrs) => nearestGradient(dy, dyShape, dx, shape, attrs),
  );
  mend<tf.AvgPoolGradAttrs>(
    tf.AvgPoolGrad,
    "input",
    (dy, _, dx, shape, attrs) => averagePoolGradient(dy, dx, poolInfo(shape, attrs)),
  );
}

/** Registers a gradient kernel that adds to zeros of the shape of the input called `input`. */
function mend<A>(
  kernelName: string,
  input: string,
  add: (dy: Float32Array, dyShape: number[], dx: Float32Array, shape: number[], attrs: A) => void,
): void {
  tf.unregisterKernel(kernelName, "cpu");
  tf.registerKernel({
    kernelName,
    backendName: "cpu",
    kernelFunc({ inputs, attrs, backend }) {
      const { [input]: { shape }, dy } = inputs as Record<string, tf.TensorInfo>;
      const cpu = backend as MathBackendCPU;
      const dx = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const gradient = cpu.data.get(dy.dataId).values as Float32Array;
      add(gradient, dy.shape, dx, shape, attrs as unknown as A);
      return cpu.makeTensorInfo(shape, "float32", dx);
    },
  });
}
