/** The thread behind `teachingStream`: draws what it is asked for. */
import type { TeachingReply, TeachingRequest } from "./stream.ts";
import { drawTeaching } from "./teaching.ts";

interface Thread {
  onmessage: ((event: MessageEvent<TeachingRequest>) => void) | null;
  postMessage(reply: TeachingReply, transfer?: Transferable[]): void;
}

declare const self: Thread;

self.onmessage = ({ data: { seed, index, options } }) => {
  try {
    const sample = drawTeaching(seed, index, options);
    self.postMessage({ index, sample }, [sample.image.data.buffer, sample.labels.data.buffer]);
  } catch (error) {
    self.postMessage({ index, error: (error as Error).message });
  }
};
