/** Activations by themselves, and their numbers in the kernels. */
import { Fused, type NormActivation } from "../../tensor/mod.ts";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** As `enum` in kernels/activation.h. */
const ACTIVATIONS: readonly string[] = ["none", "relu", "relu6", "swish"];

/** The number of an activation, by our name or TensorFlow.js's; -1 for one that the kernels lack. */
export function activationNumber(name: NormActivation | string): number {
  return ACTIVATIONS.indexOf(name === "linear" ? "none" : name);
}

/** Registers `Swish`, `Relu6Fused` and their gradients. */
export function registerActivations(): void {
  register(Fused.Swish, "swish");
  register(Fused.Relu6, "relu6");
  registerGradient(Fused.SwishGrad, "swish_gradient_of");
  registerGradient(Fused.Relu6Grad, "relu6_gradient_of");
}

function register(name: string, kernel: string): void {
  registerWasmKernel<"x">(name, ({ inputs: { x }, backend }) => {
    const y = backend.makeOutput(x.shape, "float32");
    callKernel({ kernel, args: [x, y].map((t) => address(backend, t)), work: x.size });
    return y;
  });
}

function registerGradient(name: string, kernel: string): void {
  registerWasmKernel<"x" | "dy">(name, ({ inputs: { x, dy }, backend }) => {
    const dx = backend.makeOutput(x.shape, "float32");
    callKernel({ kernel, args: [x, dy, dx].map((t) => address(backend, t)), work: x.size });
    return dx;
  });
}
