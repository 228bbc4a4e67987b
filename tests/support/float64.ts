/** Training steps in float64, by which gradients are compared to the last digits. */
import type { LogitsRequest } from "./reference_models.ts";
import type { StepRequest, StepResult } from "./training_step.ts";

/** What a worker computes in float64. */
export interface Float64Runner {
  (request: StepRequest): Promise<StepResult>;
  (request: LogitsRequest): Promise<Float64Array>;
}

/** Lends a worker that computes in float64, see float64_worker.ts. */
export async function inFloat64(use: (run: Float64Runner) => Promise<void>): Promise<void> {
  const worker = new Worker(new URL("./float64_worker.ts", import.meta.url), {
    type: "module",
  });
  try {
    await answer(worker);
    await use(
      (async (request: StepRequest | LogitsRequest) => {
        worker.postMessage(request);
        return await answer(worker);
      }) as Float64Runner,
    );
  } finally {
    worker.terminate();
  }
}

function answer(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
}
