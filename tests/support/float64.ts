/** Training steps in float64, by which gradients are compared to the last digits. */
import type { StepRequest, StepResult } from "./training_step.ts";

/** Lends a worker that computes in float64, see float64_worker.ts. */
export async function inFloat64(
  use: (run: (request: StepRequest) => Promise<StepResult>) => Promise<void>,
): Promise<void> {
  const worker = new Worker(new URL("./float64_worker.ts", import.meta.url), {
    type: "module",
  });
  try {
    await answer(worker);
    await use(async (request) => {
      worker.postMessage(request);
      return await answer(worker) as StepResult;
    });
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
