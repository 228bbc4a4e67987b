/** The options of `deno task infer`: read, checked, and said in words. */
import { basename, dirname, extname, join, resolve } from "node:path";
import { BACKENDS } from "crypts/backend";
import {
  type BatchOptions,
  checkBatch,
  checkEngine,
  type Engine,
  LARGEST_TILE,
} from "crypts/inference";
import { parseOptions, refuseEmpty } from "./command.ts";
import { number, partOf, positive, threadsOption, whole } from "./infer_numbers.ts";

/** A command that was understood; nothing has been opened yet. */
export interface InferCommand {
  images: string;
  /** Patterns or paths; empty: the bundled model. */
  models: string[];
  out: string;
  masks?: string;
  index: number | null;
  task: "segment" | "collect" | "count" | "list";
  workers: number;
  /** Of a worker: its number and the number of all. */
  part: { number: number; of: number } | null;
  engine: Engine;
  backend?: string;
  threads?: number;
  expect?: string;
  pixelSize: number | null;
  /** Null: that of training. */
  tile: number | null;
  settings: Omit<BatchOptions, "models" | "outDir" | "tile">;
}

const FLAG = { type: "boolean" } as const, TEXT = { type: "string" } as const;

const OPTIONS = {
  ...{ images: TEXT, out: TEXT, masks: TEXT, index: TEXT, workers: TEXT, part: TEXT },
  ...{ collect: FLAG, count: FLAG, list: FLAG, force: FLAG, help: FLAG },
  models: { type: "string", multiple: true },
  ...{ "pixel-size": TEXT, scale: TEXT, mode: TEXT, tile: TEXT, overlap: TEXT, weights: TEXT },
  ...{ tta: TEXT, combine: TEXT, threshold: TEXT, "min-area": TEXT, "min-area-um2": TEXT },
  ...{ "min-probability": TEXT, interior: TEXT },
  ...{ "normalize-stain": FLAG, "skip-glass": FLAG, split: FLAG },
  ...{ geojson: FLAG, overlay: FLAG, labels: FLAG, probability: FLAG, uncertainty: FLAG },
  ...{ engine: TEXT, backend: TEXT, threads: TEXT, batch: TEXT, expect: TEXT },
} as const;

type Values = ReturnType<typeof read>;

function read(args: string[]) {
  const settings = { allowPositionals: false, allowNegative: true, options: OPTIONS } as const;
  try {
    return parseOptions({ args, ...settings }).values;
  } catch (error) {
    throw new TypeError(plainly((error as Error).message), { cause: error });
  }
}

/** Node's messages in words of this command. */
function plainly(message: string): string {
  const named = /'(?:-\w, )?(--?[^' ]+)(?: [^']*)?'/.exec(message)?.[1] ?? "";
  if (message.startsWith("Unknown option")) return `there is no option ${named}`;
  if (message.includes("argument is ambiguous") || message.includes("argument missing")) {
    return `${named} needs a value`;
  }
  if (message.includes("does not take an argument")) return `${named} takes no value`;
  const stray = /^Unexpected argument '([^]*)'\. /.exec(message)?.[1];
  if (stray === undefined) return message;
  return `"${stray}" belongs to no option; a pattern of files must be quoted: --models 'models/*.onnx'`;
}

/**
 * Reads the arguments.
 *
 * @returns null for `--help`
 * @throws {RangeError | TypeError} naming the option that is missing, unknown or out of range
 */
export function parseCommand(args: string[]): InferCommand | null {
  const values = read(args);
  if (values.help) return null;
  refuseEmpty(values);
  if (values.images === undefined) throw new RangeError("--images is missing");
  const tasks = (["collect", "count", "list"] as const).filter((name) => values[name]);
  if (tasks.length > 1) throw new RangeError(`give one of --${tasks.join(" and --")}, not both`);
  refuseUnused(values, tasks[0]);
  const workers = whole("workers", values.workers, 1, 256) ?? 1;
  const command: InferCommand = {
    images: values.images,
    models: values.models ?? [],
    out: resolve(values.out ?? outFor(values.images)),
    masks: values.masks,
    index: whole("index", values.index, 0) ?? null,
    task: tasks[0] ?? "segment",
    workers,
    part: partOf(values.part),
    ...engineOf(values),
    threads: threadsOption(values.threads, workers),
    expect: values.expect,
    pixelSize: positive("pixel-size", values["pixel-size"]) ?? null,
    tile: whole("tile", values.tile, 1) ?? null,
    settings: settingsOf(values),
  };
  if (command.index !== null && command.workers > 1) {
    throw new RangeError("--index is one image: --workers must be 1");
  }
  return command;
}

/** What the tasks that segment nothing go by; all other options would change nothing. */
const OF_TASKS = ["images", "out", "masks", "collect", "count", "list"];

function refuseUnused(values: Values, task: "collect" | "count" | "list" | undefined): void {
  if (task === undefined) return;
  if (values.index !== undefined) {
    throw new RangeError(`--index is one image to segment: --${task} is of all of them`);
  }
  const unused = Object.keys(values).filter((name) => !OF_TASKS.includes(name));
  if (unused.length === 0) return;
  const names = unused.map((name) =>
    (values[name as keyof Values] === false ? "--no-" : "--") + name
  );
  const why = task === "collect"
    ? "makes tables of the results that are there, whatever they were made with"
    : "segments nothing";
  throw new RangeError(`--${task} ${why}: leave ${names.join(", ")} out`);
}

/** Beside the images: `slides/` gives `slides_crypts`, `list.csv` and `list.png` give `list_crypts`. */
function outFor(images: string): string {
  const path = resolve(images);
  const name = /\.(csv|tiff?|svs|png|jpe?g)$/i.test(path)
    ? basename(path, extname(path))
    : basename(path);
  return join(dirname(path), `${name}_crypts`);
}

function engineOf({ engine, backend }: Values): Pick<InferCommand, "engine" | "backend"> {
  if (engine !== undefined) checkEngine(engine);
  if (backend === "onnx") return { engine: "onnx" };
  if (backend !== undefined && !BACKENDS.includes(backend)) {
    throw new RangeError(`--backend must be one of ${BACKENDS.join(", ")}, onnx, got "${backend}"`);
  }
  if (backend !== undefined && engine === "onnx") {
    throw new RangeError(`--backend ${backend} is one of TensorFlow.js, --engine is onnx`);
  }
  return { engine: backend === undefined ? engine ?? "auto" : "tensorflow", backend };
}

function settingsOf(values: Values): InferCommand["settings"] {
  const mode = oneOf("mode", values.mode ?? "sliding", ["sliding", "original"]);
  if (mode === "original" && values.overlap !== undefined) {
    throw new RangeError("--mode original sets tiles edge to edge: leave --overlap out");
  }
  const settings: InferCommand["settings"] = {
    mode,
    overlap: number("overlap", values.overlap) ?? 0.25,
    weights: oneOf("weights", values.weights ?? "gaussian", ["gaussian", "constant"]),
    tta: oneOf("tta", values.tta ?? "none", ["none", "flips", "d4"]),
    combine: oneOf("combine", values.combine ?? "mean", ["mean", "max"]),
    threshold: number("threshold", values.threshold),
    interior: number("interior", values.interior),
    scale: number("scale", values.scale),
    normalizeStain: values["normalize-stain"] ?? false,
    skipGlass: values["skip-glass"] ?? mode === "sliding",
    crypts: {
      minArea: number("min-area", values["min-area"]),
      minAreaUm2: number("min-area-um2", values["min-area-um2"]),
      minProbability: number("min-probability", values["min-probability"]),
      split: values.split ?? false,
    },
    geojson: values.geojson ?? true,
    overlay: values.overlay ?? true,
    labels: values.labels ?? false,
    probability: values.probability ?? false,
    uncertainty: values.uncertainty ?? false,
    batchSize: whole("batch", values.batch, 1, 4096) ?? 4,
    force: values.force ?? false,
  };
  if (settings.crypts?.minArea !== undefined && settings.crypts.minAreaUm2 !== undefined) {
    throw new RangeError("give one of --min-area (pixels) and --min-area-um2 (µm²), not both");
  }
  // Without --tile the side is known when the models are: the largest one forbids least.
  const tile = whole("tile", values.tile, 1) ?? LARGEST_TILE;
  try {
    checkBatch({ ...settings, outDir: "", tile });
  } catch (error) {
    throw new RangeError(asOption((error as Error).message), { cause: error });
  }
  return settings;
}

/** `minAreaUm2 must be …` becomes `--min-area-um2 must be …`. */
function asOption(message: string): string {
  return message.replace(/^\w+/, (name) => {
    const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return option in OPTIONS ? `--${option}` : name;
  });
}

function oneOf<const T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) {
    throw new RangeError(`--${name} must be one of ${known.join(", ")}, got "${value}"`);
  }
  return found;
}
