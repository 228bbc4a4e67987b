/** Joining and splitting feature maps by channels, the way skip connections do. */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `Concat` and `SplitV`; other axes and types are left to the backend's own kernels. */
export function registerChannels(): void {
  registerWasmKernel<string, tf.ConcatAttrs>(tf.Concat, ({ inputs, attrs, backend }, own) => {
    const parts = inputs as unknown as tf.TensorInfo[];
    const rank = parts[0].shape.length;
    const fits = rank > 1 && (attrs.axis + rank) % rank === rank - 1 &&
      parts.every(({ dtype, shape }) => dtype === "float32" && !shape.includes(0));
    if (!fits) return own();
    const widths = parts.map(({ shape }) => shape[rank - 1]);
    const width = widths.reduce((a, b) => a + b);
    const y = backend.makeOutput([...parts[0].shape.slice(0, -1), width], "float32");
    let to = address(backend, y);
    parts.forEach((part, i) => {
      copyColumns(address(backend, part), to, widths[i], width, widths[i], rows(part));
      to += 4 * widths[i];
    });
    return y;
  });
  registerWasmKernel<"x", tf.SplitVAttrs>(tf.SplitV, ({ inputs: { x }, attrs, backend }, own) => {
    const fits = x.rank > 1 && (attrs.axis + x.rank) % x.rank === x.rank - 1 &&
      x.dtype === "float32" && x.size > 0;
    if (!fits) return own();
    const width = x.shape[x.rank - 1];
    const widths = tf.backend_util.prepareSplitSize(x, attrs.numOrSizeSplits, x.rank - 1);
    const shapes = widths.map((w) => [...x.shape.slice(0, -1), w]);
    const parts = shapes.map((shape) => (backend as BackendWasm).makeOutput(shape, "float32"));
    let from = address(backend, x);
    parts.forEach((part, i) => {
      copyColumns(from, address(backend, part), width, widths[i], widths[i], rows(x));
      from += 4 * widths[i];
    });
    return parts;
  });
}

const rows = ({ shape }: tf.TensorInfo) => shape.slice(0, -1).reduce((a, b) => a * b, 1);

function copyColumns(
  from: number,
  to: number,
  fromWidth: number,
  toWidth: number,
  count: number,
  work: number,
): void {
  callKernel({ kernel: "copy_columns", args: [from, to, fromWidth, toWidth, count], work });
}
