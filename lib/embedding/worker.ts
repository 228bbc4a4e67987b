/** The worker's side of `thread.ts`. */
import { compute } from "./compute.ts";
import { pairDistances } from "./distances.ts";
import type { Task } from "./thread.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = async ({ data }) => {
  const tell = (share: number) => scope.postMessage({ share });
  try {
    const output = data.kind === "embed"
      ? await compute(data.input, tell)
      : pairDistances(data.input, tell);
    scope.postMessage({ output });
  } catch (error) {
    scope.postMessage({ error: (error as Error).message, name: (error as Error).name });
  }
};
