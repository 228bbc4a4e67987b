/** The thread behind {@link workerSource}: setup first, then requests. */
import { createAugmentation } from "../augment/mod.ts";
import { localSource, type SampleSource } from "./sample_source.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./worker_source.ts";

interface Thread {
  onmessage: ((event: MessageEvent<WorkerSetup | WorkerRequest>) => void) | null;
  postMessage(reply: WorkerReply, transfer?: Transferable[]): void;
}

const thread = self as unknown as Thread;
let source: SampleSource | null = null;

thread.onmessage = async ({ data }) => {
  if (!("request" in data)) {
    const { augmentation, seed, cacheBytes } = data;
    source = localSource(createAugmentation(augmentation), seed, cacheBytes, data);
    return;
  }
  const { id, request } = data;
  try {
    const sample = await source!.prepare(request);
    // Copied, not transferred: an unaugmented sample is the cache's own.
    thread.postMessage({ id, sample });
  } catch (error) {
    const { name, message } = error as Error;
    thread.postMessage({ id, name, error: message });
  }
};
