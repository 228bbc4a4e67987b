/** Sums of segments: the gradient of `tf.gather`. */
import * as tf from "@tensorflow/tfjs-core";
import { registerWasmKernel } from "./register.ts";

/** Registers `UnsortedSegmentSum`; rows with a negative id are left out, as in TensorFlow. */
export function registerSegmentSum(): void {
  registerWasmKernel<"x" | "segmentIds", tf.UnsortedSegmentSumAttrs>(
    tf.UnsortedSegmentSum,
    ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }) => {
      const rest = x.shape.slice(segmentIds.rank);
      const width = rest.reduce((a, b) => a * b, 1);
      const out = backend.makeOutput([numSegments, ...rest], x.dtype);
      const sums = backend.typedArrayFromHeap(out).fill(0);
      const values = backend.typedArrayFromHeap(x);
      backend.typedArrayFromHeap(segmentIds).forEach((id, row) => {
        if (id < 0) return;
        for (let i = 0; i < width; i++) sums[id * width + i] += values[row * width + i];
      });
      return out;
    },
  );
}
