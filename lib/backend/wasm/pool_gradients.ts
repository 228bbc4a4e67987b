/** Gradients of pooling: to the first greatest value of each window, or an equal share to each. */
import * as tf from "@tensorflow/tfjs-core";
import { averagePoolGradient, poolInfo } from "../corrected_gradients.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `MaxPoolGrad` and `AvgPoolGrad`; the backend's own ones return wrong numbers. */
export function registerPoolGradients(): void {
  registerWasmKernel<"input" | "dy", tf.AvgPoolGradAttrs>(
    tf.AvgPoolGrad,
    ({ inputs: { input, dy }, attrs, backend }) => {
      const dx = backend.makeOutput(input.shape, "float32");
      const [g, out] = [dy, dx].map((t) => backend.typedArrayFromHeap(t) as Float32Array);
      averagePoolGradient(g, out.fill(0), poolInfo(input.shape, attrs));
      return dx;
    },
  );
  registerWasmKernel<"input" | "dy", tf.MaxPoolGradAttrs>(
    tf.MaxPoolGrad,
    ({ inputs: { input, dy }, attrs, backend }) => {
      const info = poolInfo(input.shape, attrs);
      const dx = backend.makeOutput(input.shape, "float32");
      const [x, g, out] = [input, dy, dx].map((t) => backend.typedArrayFromHeap(t) as Float32Array);
      maxPoolGradient(x, g, out.fill(0), info);
      return dx;
    },
  );
}

function maxPoolGradient(
  x: Float32Array,
  dy: Float32Array,
  dx: Float32Array,
  info: tf.backend_util.Conv2DInfo,
): void {
  const { inHeight, inWidth, inChannels, filterHeight, filterWidth, padInfo } = info;
  let at = 0;
  for (let b = 0; b < info.batchSize; b++) {
    for (let oy = 0; oy < info.outHeight; oy++) {
      const top = oy * info.strideHeight - padInfo.top;
      for (let ox = 0; ox < info.outWidth; ox++) {
        const left = ox * info.strideWidth - padInfo.left;
        for (let c = 0; c < inChannels; c++, at++) {
          let best = -Infinity;
          let bestAt = -1;
          for (let y = Math.max(0, top); y < Math.min(inHeight, top + filterHeight); y++) {
            for (let x1 = Math.max(0, left); x1 < Math.min(inWidth, left + filterWidth); x1++) {
              const i = ((b * inHeight + y) * inWidth + x1) * inChannels + c;
              if (x[i] > best) {
                best = x[i];
                bestAt = i;
              }
            }
          }
          if (bestAt >= 0) dx[bestAt] += dy[at];
        }
      }
    }
  }
}
