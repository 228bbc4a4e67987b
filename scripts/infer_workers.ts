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
import { UsageError } from "./command.ts";
import type { InferCommand } from "./infer_options.ts";
import { Interrupted, stoppable } from "./infer_stop.ts";

/** Lines of TensorFlow, and empty ones: nothing that a user can act on. */
const LIBRARY_LINE =
  /^(\s*|=+|Hi, looks like you are running TensorFlow\.js .*|WARNING: All log messages before absl.*|I0000 .*)$/;

/** What a worker says on its standard output, a line of JSON each. */
interface Message {
  state: BatchState;
}

/**
 * Starts `command.workers` processes of this command, each with every n-th image and its share of the
 * cores, and waits for them.
 *
 * @returns the states in the order of the images
 * @throws {UsageError | Error} with a worker's own message when it cannot run, or ends before its images
 */
export async function runWorkers(
  command: InferCommand,
  args: readonly string[],
  images: readonly BatchImage[],
): Promise<BatchState[]> {
  // For the time of the workers nobody else may take the folder alone.
  const lock = await lockFolder(command.out, "inference", { shared: true });
  try {
    return await shareOut(command, args, images);
  } finally {
    await lock.release();
    await removeLock(command.out);
  }
}

/** A shared lock leaves its file: who has the folder alone takes it away, if nobody else has it. */
async function removeLock(folder: string): Promise<void> {
  await lockFolder(folder, "inference").then((lock) => lock.release(), () => {});
}

async function shareOut(
  command: InferCommand,
  args: readonly string[],
  images: readonly BatchImage[],
): Promise<BatchState[]> {
  const workers = Math.min(command.workers, images.length);
  const threads = command.threads ?? Math.max(1, Math.floor(availableParallelism() / workers));
  const bar = createProgress(`segmenting by ${workers} processes`, images.length, {
    unit: "image",
  });
  const own = withoutOptions(args, ["--workers", "--threads"]);
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
          ...own,
          "--part",
          `${k}/${workers}`,
          "--threads",
          `${threads}`,
        ], onState),
    ),
  );
  await bar.finish();
  const broken = ends.find(({ code }) => code !== 0);
  if (broken) {
    const text = broken.errors.trim() || `a worker ended with code ${broken.code}`;
    if (broken.code > 128) throw new Interrupted(broken.code);
    throw broken.code === 2 ? new UsageError(text) : new Error(text);
  }
  // What several workers say is said once.
  const lines = new Set(ends.flatMap(({ errors }) => errors.split("\n")));
  for (const line of lines) if (!LIBRARY_LINE.test(line)) console.error(line);
  return images.flatMap(({ id }) => states.get(id) ?? []);
}

/** The arguments but for some options and their values, which a worker is given otherwise. */
function withoutOptions(args: readonly string[], names: readonly string[]): string[] {
  return args.filter((arg, i) =>
    !names.includes(arg) && !names.includes(args[i - 1]) &&
    !names.some((name) => arg.startsWith(`${name}=`))
  );
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
  return await stoppable(async () => {
    const ended = once(child, "close");
    let errors = "";
    child.stderr.on("data", (text) => errors += text);
    for await (const line of createInterface({ input: child.stdout })) {
      // Libraries print, too.
      if (line.startsWith('{"state":')) onState((JSON.parse(line) as Message).state);
    }
    const [code, signal] = await ended;
    return { code: code ?? (signal === "SIGINT" ? 130 : 143), errors };
  }, (signal) => child.kill(signal));
}

/**
 * The part of a worker: segments its images and tells each state on standard output, failed ones too.
 *
 * @returns the exit code, 0
 */
export async function reportToParent(
  images: readonly BatchImage[],
  ensemble: readonly TilePredictor[],
  options: BatchOptions,
): Promise<number> {
  await stoppable((signal) =>
    runBatch(images, ensemble, {
      ...options,
      signal,
      onImage: (state) => console.log(JSON.stringify({ state } satisfies Message)),
    })
  );
  return 0;
}
