/** The optimizer's step in one pass over memory. */
import { ADAM_STEP, type AdamStepAttrs } from "../../tensor/mod.ts";
import { address, callKernel } from "./kernels.ts";
import { registerWasmKernel } from "./register.ts";

/** Registers `AdamStep`. */
export function registerAdamStep(): void {
  registerWasmKernel<"p" | "g" | "m" | "v", AdamStepAttrs>(
    ADAM_STEP,
    ({ inputs: { p, g, m, v }, attrs, backend }) => {
      const results = [0, 1, 2].map(() => backend.makeOutput(p.shape, "float32"));
      callKernel({
        kernel: "adam_step",
        args: [
          ...[p, g, m, v, ...results].map((t) => address(backend, t)),
          attrs.beta1,
          attrs.beta2,
          1 - attrs.beta1,
          1 - attrs.beta2,
          attrs.rate,
          attrs.decay,
          attrs.rootScale,
          attrs.epsilon,
          Number(attrs.adaptive),
        ],
        work: p.size,
      });
      return results;
    },
  );
}
