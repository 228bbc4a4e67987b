/** `deno task infer --workers N`: several processes share the images of a folder. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { lockFolder } from "crypts/base";
import {
  type BatchImage,
  type BatchOptions,
  type BatchState,
  runBatch,
  type TilePredictor,
} from "crypts/inference";
import { createProgress } from "crypts/notebook";
import type { InferCommand } from "./infer_options.ts";

/** What a worker says on its standard output, a line of JSON each. */
interface Message {
  state: BatchState;
}

/**
 * Starts `command.workers` processes of this command, each with every n-th image and its share of the
 * cores, and waits for them.
 *
 * @returns the states in the order of the images
 * @throws {Error} with a worker's own message when it cannot run
 */
export async function runWorkers(
  command: InferCommand,
  args: readonly string[],
  images: readonly BatchImage[],
): Promise<BatchState[]> {
  const workers = Math.min(command.workers, images.length);
  const threads = command.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
  // For the time of the workers nobody else may take the folder alone.
  await using _lock = await lockFolder(command.out, "inference", { shared: true });
  const bar = createProgress(`segmenting by ${workers} processes`, images.length, {
    unit: "image",
  });
  const states = new Map<string, BatchState>();
  const onState = (state: BatchState) => {
    states.set(state.id, state);
    bar.update(states.size, `${state.id} ${state.skipped ? "already done" : state.status}`);
  };
  const ends = await Promise.all(
    Array.from(
      { length: workers },
      (_, k) =>
        runWorker([
          ...args,
          "--workers",
          "1",
          "--part",
          `${k}/${workers}`,
          "--threads",
          `${threads}`,
        ], onState),
    ),
  );
  await bar.finish();
  const broken = ends.find(({ code }) => code > 1);
  if (broken) throw new Error(broken.errors.trim() || `a worker ended with code ${broken.code}`);
  return images.flatMap(({ id }) => states.get(id) ?? []);
}

async function runWorker(
  args: readonly string[],
  onState: (state: BatchState) => void,
): Promise<{ code: number; errors: string }> {
  const config = new URL("../deno.json", import.meta.url).pathname;
  const script = new URL("infer.ts", import.meta.url).pathname;
  const child = spawn(Deno.execPath(), ["run", "-A", "--config", config, script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A worker ends with its parent: finished images are kept, as without workers.
  const interrupt = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    const ended = once(child, "close");
    let errors = "";
    child.stderr.on("data", (text) => errors += text);
    for await (const line of createInterface({ input: child.stdout })) {
      // Libraries print, too.
      if (line.startsWith('{"state":')) onState((JSON.parse(line) as Message).state);
    }
    const [code] = await ended;
    return { code: code ?? 2, errors };
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}

/** The part of a worker: segments its images and tells each state on standard output. */
export async function reportToParent(
  images: readonly BatchImage[],
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error("interrupted; finished images are kept"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  const states = await runBatch(images, ensemble, {
    ...options,
    signal: stop.signal,
    onImage: (state) => console.log(JSON.stringify({ state } satisfies Message)),
  });
  return states.some(({ status }) => status === "failed") ? 1 : 0;
}
