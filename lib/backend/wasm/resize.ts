/** Nearest-neighbour resizing and its gradient: by whole factors in kernels/copy.c, else as before. */
import * as tf from "@tensorflow/tfjs-core";
import { nearestGradient } from "../corrected_gradients.ts";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `ResizeNearestNeighbor` and `ResizeNearestNeighborGrad`, see {@link nearestGradient}. */
export function registerResize(): void {
  registerWasmKernel<"images", tf.ResizeNearestNeighborAttrs>(
    tf.ResizeNearestNeighbor,
    ({ inputs: { images }, attrs: { alignCorners, size }, backend }, own) => {
      const [batch, height, width, channels] = images.shape;
      const factors = wholeFactors(images.shape, size, alignCorners);
      if (!factors || images.dtype !== "float32") return own();
      const y = backend.makeOutput([batch, ...size, channels], "float32");
      const args = [address(backend, images), address(backend, y), width, channels, ...factors];
      callKernel({ kernel: "upsample", args, work: batch * height });
      return y;
    },
  );
  registerWasmKernel<"images" | "dy", tf.ResizeNearestNeighborGradAttrs>(
    tf.ResizeNearestNeighborGrad,
    ({ inputs: { images, dy }, attrs, backend }) => {
      const [batch, height, width, channels] = images.shape;
      const dx = backend.makeOutput(images.shape, "float32");
      const factors = wholeFactors(images.shape, dy.shape.slice(1, 3), attrs.alignCorners);
      if (factors) {
        const args = [address(backend, dy), address(backend, dx), width, channels, ...factors];
        callKernel({ kernel: "upsample_gradient", args, work: batch * height });
      } else {
        const [from, to] = [dy, dx].map((t) => backend.typedArrayFromHeap(t) as Float32Array);
        nearestGradient(from, dy.shape, to.fill(0), images.shape, attrs);
      }
      return dx;
    },
  );
}

/** By how much height and width grow, if by whole numbers and with free corners. */
function wholeFactors(
  [, height, width]: number[],
  [toHeight, toWidth]: number[],
  alignCorners: boolean,
): number[] | null {
  if (alignCorners || toHeight % height || toWidth % width) return null;
  return [toHeight / height, toWidth / width];
}
