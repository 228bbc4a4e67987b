/** The worker's side of `lib/embedding.ts`. */
import { compute, type EmbeddingJob } from "./compute.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<EmbeddingJob>) => void;
  postMessage(message: unknown): void;
};

scope.onmessage = ({ data }) => {
  try {
    const result = compute(data, (share) => scope.postMessage({ share }));
    scope.postMessage({ result });
  } catch (error) {
    scope.postMessage({ error: (error as Error).message, name: (error as Error).name });
  }
};
