/** Swish in one pass over memory. */
import { Fused } from "../../tensor/mod.ts";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `Swish` and `SwishGrad`. */
export function registerSwish(): void {
  registerWasmKernel<"x">(Fused.Swish, ({ inputs: { x }, backend }) => {
    const y = backend.makeOutput(x.shape, "float32");
    callKernel({
      kernel: "swish",
      args: [address(backend, x), address(backend, y)],
      work: x.size,
    });
    return y;
  });
  registerWasmKernel<"x" | "dy">(Fused.SwishGrad, ({ inputs: { x, dy }, backend }) => {
    const dx = backend.makeOutput(x.shape, "float32");
    const args = [x, dy, dx].map((t) => address(backend, t));
    callKernel({ kernel: "swish_gradient_of", args, work: x.size });
    return dx;
  });
}
