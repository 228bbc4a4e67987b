/** Running statistics of a batch normalization: few values, but seven operations by themselves. */
import { Fused } from "../../tensor/mod.ts";
import { registerWasmKernel } from "./register.ts";

type Input = "mean" | "variance" | "batches" | "batchMean" | "batchVariance";

/** Registers `RunningStatistics`. */
export function registerRunningStatistics(): void {
  registerWasmKernel<Input, { momentum: number; unbiased: number }>(
    Fused.RunningStatistics,
    ({ inputs, attrs: { momentum, unbiased }, backend }) => {
      const { mean, variance, batches, batchMean, batchVariance } = inputs;
      const outputs = [mean, variance, batches].map((t) => backend.makeOutput(t.shape, "float32"));
      // Looked at when all are there: making one may move the memory.
      const values = (t: Parameters<typeof backend.typedArrayFromHeap>[0]) =>
        backend.typedArrayFromHeap(t) as Float32Array;
      const [nextMean, nextVariance, nextBatches] = outputs.map(values);
      const [m, v, newM, newV] = [mean, variance, batchMean, batchVariance].map(values);
      const take = momentum * unbiased;
      for (let c = 0; c < m.length; c++) {
        nextMean[c] = (1 - momentum) * m[c] + momentum * newM[c];
        nextVariance[c] = (1 - momentum) * v[c] + take * newV[c];
      }
      nextBatches[0] = values(batches)[0] + 1;
      return outputs;
    },
  );
}
