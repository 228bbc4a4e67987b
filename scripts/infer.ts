/**
 * Segments folders of images:
 * `deno task infer --images DIR|MANIFEST.csv --models GLOB --out DIR [options]` (see `--help`).
 */
import { glob } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { selectBackend } from "crypts/backend";
import {
  type BatchOptions,
  collectBatch,
  hashFiles,
  listBatch,
  openEnsemble,
  readStates,
  runBatch,
} from "crypts/inference";
import { createProgress, formatSeconds } from "crypts/notebook";

const HELP = `Segments crypts in images, one after another; finished images are skipped.

deno task infer --images DIR|MANIFEST.csv --models GLOB --out DIR [options]

  --images PATH      a folder, or a CSV with the column image (and id, pixel_size_um, mask)
  --models GLOB      the ensemble: .safetensors of Training, .pth, .pt or .onnx; repeatable
  --out DIR          masks/, crypts/, encodings/, state/ and, over all, submission.csv, summary.csv
  --masks DIR        ground truth <id>.tiff: also dice_report_submission.csv and scores.csv
  --index I          only the image number I (from 0), for arrays of jobs; tables are not written
  --collect          only writes the tables over all images, after runs with --index
  --count            only prints the number of images

  --mode MODE        sliding (default) or original: tiles edge to edge, padded with white
  --tile N           side of a tile (default: that of training, else 512)
  --scale F          resizes images first (default: that of training, else 1)
  --overlap F        of sliding windows, default 0.25
  --weights KIND     gaussian (default) or constant
  --tta KIND         none (default), flips or d4: all eight flips and rotations
  --combine KIND     over the models: mean (default) or max
  --threshold F      default 0.5
  --min-area N       smallest crypt in pixels of the full image, default 500; masks keep all
  --split            cuts touching crypts apart
  --geojson          geojson/<id>.geojson for QuPath
  --probability      probability/<id>.tiff
  --uncertainty      uncertainty/<id>_entropy.tiff and _disagreement.tiff

  --batch N          tiles a forward pass, default 4
  --backend NAME     TensorFlow.js backend (default: the best here), or onnx for ONNX Runtime
  --expect ENCODER   refuses models with another encoder
  --force            does finished images anew

Exit: 0 all is done, 1 images failed (they are listed), 2 the command cannot be run.`;

/** Runs the command. @returns the exit code */
export async function infer(args: string[]): Promise<number> {
  let values: Values;
  try {
    values = parse(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  try {
    return await run(values);
  } catch (error) {
    console.error((error as Error).message);
    return 2;
  }
}

type Values = ReturnType<typeof parse>;

function parse(args: string[]) {
  const { values } = parseArgs({
    args,
    allowPositionals: false,
    options: {
      images: { type: "string" },
      models: { type: "string", multiple: true },
      out: { type: "string" },
      masks: { type: "string" },
      index: { type: "string" },
      collect: { type: "boolean", default: false },
      count: { type: "boolean", default: false },
      mode: { type: "string", default: "sliding" },
      tile: { type: "string" },
      scale: { type: "string" },
      overlap: { type: "string", default: "0.25" },
      weights: { type: "string", default: "gaussian" },
      tta: { type: "string", default: "none" },
      combine: { type: "string", default: "mean" },
      threshold: { type: "string", default: "0.5" },
      "min-area": { type: "string", default: "500" },
      split: { type: "boolean", default: false },
      geojson: { type: "boolean", default: false },
      probability: { type: "boolean", default: false },
      uncertainty: { type: "boolean", default: false },
      batch: { type: "string", default: "4" },
      backend: { type: "string" },
      expect: { type: "string" },
      force: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return values;
  const needed = values.count ? ["images"] as const : ["images", "out"] as const;
  for (const name of needed) if (!values[name]) throw new RangeError(`--${name} is missing`);
  if (!values.count && !values.collect && !values.models) {
    throw new RangeError("--models is missing");
  }
  oneOf("mode", values.mode, ["sliding", "original"]);
  oneOf("weights", values.weights, ["gaussian", "constant"]);
  oneOf("tta", values.tta, ["none", "flips", "d4"]);
  oneOf("combine", values.combine, ["mean", "max"]);
  return values;
}

function oneOf(name: string, value: string, known: string[]): void {
  if (!known.includes(value)) {
    throw new RangeError(`--${name} must be one of ${known.join(", ")}, got "${value}"`);
  }
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) {
    throw new RangeError(`--${name} must be a number, got "${text}"`);
  }
  return value;
}

async function run(values: Values): Promise<number> {
  const images = await listBatch(values.images!, values.masks);
  if (values.count) {
    console.log(images.length);
    return 0;
  }
  const outDir = resolve(values.out!);
  if (values.collect) return await report(outDir, await readStates(outDir, images), images.length);

  const index = values.index === undefined ? null : number("index", values.index);
  if (index !== null && !images[index]) {
    throw new RangeError(`--index must be 0 to ${images.length - 1}, got ${values.index}`);
  }
  const mine = index === null ? images : [images[index]];
  const paths = await expand(values.models!);
  const engine = values.backend === undefined || values.backend === "onnx" ? "auto" : "tensorflow";
  const { line } = await selectBackend(engine === "auto" ? undefined : values.backend);
  if (engine === "tensorflow") console.error(line);
  const ensemble = await openEnsemble(paths, { engine, expect: { encoder: values.expect } });
  try {
    const options = await batchOptions(values, outDir, ensemble, paths);
    console.error(
      `${paths.length} models, ${mine.length} images, tiles of ${options.tile} px at scale ` +
        `${options.scale}, ${options.mode}, TTA ${options.tta}`,
    );
    const states = await withProgress(
      mine,
      (hooks) => runBatch(mine, ensemble.predictors, { ...options, ...hooks }),
    );
    return index === null
      ? await report(outDir, states, images.length)
      : listFailures(states, states.length);
  } finally {
    ensemble.dispose();
  }
}

/** One bar over all images; its unit is the image, its note the tile. */
async function withProgress<T>(
  images: readonly { id: string }[],
  work: (hooks: Pick<BatchOptions, "onTile" | "onImage" | "signal">) => Promise<T>,
): Promise<T> {
  const bar = createProgress("segmenting", images.length, { unit: "image" });
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error("interrupted; finished images are kept"));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  try {
    return await work({
      signal: stop.signal,
      onTile: (done, total, image, i) => {
        bar.update(Number((i + done / total).toFixed(2)), `${image.id} tile ${done}/${total}`);
      },
      onImage: (state, i) => {
        const what = state.skipped ? "already done" : state.status;
        bar.update(i + 1, `${state.id} ${what}`);
      },
    });
  } finally {
    await bar.finish();
    Deno.removeSignalListener("SIGINT", interrupt);
    Deno.removeSignalListener("SIGTERM", interrupt);
  }
}

async function batchOptions(
  values: Values,
  outDir: string,
  ensemble: { scale: number | null; tile: number | null },
  paths: readonly string[],
): Promise<BatchOptions> {
  return {
    outDir,
    models: await hashFiles(paths),
    tile: values.tile ? number("tile", values.tile) : ensemble.tile ?? 512,
    scale: values.scale ? number("scale", values.scale) : ensemble.scale ?? 1,
    mode: values.mode as "sliding" | "original",
    overlap: number("overlap", values.overlap),
    weights: values.weights as "gaussian" | "constant",
    tta: values.tta as "none" | "flips" | "d4",
    combine: values.combine as "mean" | "max",
    threshold: number("threshold", values.threshold),
    crypts: { minArea: number("min-area", values["min-area"]), split: values.split },
    geojson: values.geojson,
    probability: values.probability,
    uncertainty: values.uncertainty,
    batchSize: number("batch", values.batch),
    force: values.force,
  };
}

async function expand(patterns: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  for (const pattern of patterns) {
    const found: string[] = [];
    for await (const path of glob(pattern)) found.push(path);
    if (found.length === 0) throw new RangeError(`--models ${pattern} matches no file`);
    paths.push(...found.sort());
  }
  return paths;
}

async function report(
  outDir: string,
  states: Parameters<typeof collectBatch>[1],
  images: number,
): Promise<number> {
  const files = await collectBatch(outDir, states);
  console.log(files.map((file) => join(outDir, file)).join("\n"));
  return listFailures(states, images);
}

function listFailures(states: Parameters<typeof collectBatch>[1], images: number): number {
  const failed = states.filter((s) => s.status === "failed");
  const done = states.length - failed.length;
  const seconds = states.reduce((sum, s) => sum + (s.skipped ? 0 : s.seconds), 0);
  console.error(`${done} of ${images} images done (${formatSeconds(seconds)})`);
  for (const { id, message } of failed) console.error(`failed: ${id}: ${message}`);
  const missing = images - states.length;
  if (missing > 0) console.error(`${missing} images have no state yet`);
  return failed.length > 0 || missing > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await infer(Deno.args));
