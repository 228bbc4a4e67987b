/** The gradient of average pooling; the backend's own divides by the whole window also at borders. */
import * as tf from "@tensorflow/tfjs-core";
import { poolInfo } from "../corrected_gradients.ts";
import { windowShare } from "../pool_window.ts";

/** Registers `AvgPoolGrad` in place of the backend's own, which it calls. */
export function registerPoolGradient(): void {
  const own = tf.getKernel(tf.AvgPoolGrad, "webgpu");
  tf.unregisterKernel(tf.AvgPoolGrad, "webgpu");
  tf.registerKernel({
    kernelName: tf.AvgPoolGrad,
    backendName: "webgpu",
    kernelFunc: (call) => {
      const { dy, input } = call.inputs as Record<string, tf.Tensor4D>;
      const info = poolInfo(input.shape, call.attrs as unknown as tf.AvgPoolGradAttrs);
      const scaled = tf.tidy(() => tf.mul(dy, windowShare(info)));
      const gradient = own.kernelFunc({ ...call, inputs: { dy: scaled, input } });
      scaled.dispose();
      return gradient;
    },
  });
}
