/** Squeeze and excitation in one pass over memory each way. */
import { Fused } from "../../tensor/mod.ts";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `GlobalAverage`, `ChannelScale` and their gradients. */
export function registerSqueezeExcite(): void {
  registerWasmKernel<"x">(Fused.GlobalAverage, ({ inputs: { x }, backend }) => {
    const [batch, height, width, channels] = x.shape;
    const y = backend.makeOutput([batch, 1, 1, channels], "float32");
    const pixels = height * width;
    const at = [address(backend, x), address(backend, y)];
    callKernel({ kernel: "pixel_sums", args: [...at, 1 / pixels, pixels, channels], work: batch });
    return y;
  });
  registerWasmKernel<"dy", { shape: number[] }>(
    Fused.GlobalAverageGrad,
    ({ inputs: { dy }, attrs, backend }) => {
      const [batch, height, width, channels] = attrs.shape;
      const dx = backend.makeOutput(attrs.shape, "float32");
      const pixels = height * width;
      const at = [address(backend, dy), address(backend, dx)];
      callKernel({
        kernel: "channel_fill",
        args: [...at, 1 / pixels, pixels, channels],
        work: batch,
      });
      return dx;
    },
  );
  registerWasmKernel<"x" | "gate">(Fused.ChannelScale, ({ inputs: { x, gate }, backend }) => {
    const [batch, height, width, channels] = x.shape;
    const y = backend.makeOutput(x.shape, "float32");
    const at = [x, gate, y].map((t) => address(backend, t));
    callKernel({ kernel: "channel_scale", args: [...at, height * width, channels], work: batch });
    return y;
  });
  registerWasmKernel<"x" | "dy">(Fused.ChannelScaleGateGrad, ({ inputs: { x, dy }, backend }) => {
    const [batch, height, width, channels] = x.shape;
    const dgate = backend.makeOutput([batch, 1, 1, channels], "float32");
    const at = [x, dy, dgate].map((t) => address(backend, t));
    callKernel({ kernel: "pixel_dots", args: [...at, height * width, channels], work: batch });
    return dgate;
  });
}
