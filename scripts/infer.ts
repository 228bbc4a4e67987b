/**
 * Segments folders of images: `deno task infer --images DIR|MANIFEST.csv [options]` (see `--help`).
 */
import "./quiet_libraries.ts";
import { glob } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { selectBackend } from "crypts/backend";
import { collectNotices, exists, FolderLockedError, refuseSpecial } from "crypts/base";
import {
  assumptions,
  type BatchImage,
  type BatchOptions,
  type BatchState,
  checkAlike,
  checkBatch,
  checkEnsemble,
  checkOutputs,
  checkTruths,
  collectBatch,
  type Ensemble,
  leftoverIds,
  listBatch,
  modelsDigest,
  openEnsemble,
  readRecords,
  runBatch,
} from "crypts/inference";
import { probeImage } from "crypts/image";
import { BUNDLED_MODEL } from "crypts/model";
import { createProgress, formatSeconds } from "crypts/notebook";
import { checking, UsageError } from "./command.ts";
import { HELP, type InferCommand, parseCommand } from "./infer_options.ts";
import { Interrupted, stoppable } from "./infer_stop.ts";
import { reportToParent, runWorkers } from "./infer_workers.ts";

/** Runs the command. @returns the exit code */
export async function infer(args: string[]): Promise<number> {
  let command: InferCommand | null;
  try {
    command = parseCommand(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n(deno task infer --help lists the options)`);
    return 2;
  }
  if (command === null) {
    console.log(HELP);
    return 0;
  }
  try {
    return await run(command, args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    if (error instanceof Interrupted) return error.code;
    return error instanceof UsageError || error instanceof FolderLockedError ? 2 : 1;
  }
}

async function run(command: InferCommand, args: string[]): Promise<number> {
  const { out, index, part } = command;
  const list = () => listBatch(command.images, command.masks);
  // What is to be said of the list is said by the parent of workers.
  const all = await checking(async () => part ? (await collectNotices(list)).result : await list());
  if (command.task === "count") {
    console.log(all.length);
    return 0;
  }
  if (command.task === "list") {
    await printImages(all);
    return 0;
  }
  const images = all.map((image) => ({
    ...image,
    pixelSize: image.pixelSize ?? command.pixelSize,
  }));
  if (index !== null && !images[index]) {
    throw new UsageError(`--index must be 0 to ${images.length - 1}, got ${index}`);
  }
  const paths = await checking(() => modelPaths(command.models));
  const mine = index !== null
    ? [images[index]]
    : part
    ? images.filter((_, i) => i % part.of === part.number)
    : images;
  const collect = command.task === "collect";
  // Of workers, their parent has looked at all.
  if (!part) await checking(() => checkFiles(command, images, collect ? [] : mine, paths));
  if (collect) {
    const records = await readRecords(out, images);
    await checking(async () => {
      checkAlike(out, records);
      await checkTruths(out, images, records);
    });
    return await report(out, records.map(({ note }) => note), images);
  }
  if (command.workers > 1) {
    return await report(out, await runWorkers(command, args, images), images);
  }
  const ensemble = await checking(() => open(command, paths));
  try {
    const options = await batchOptions(command, ensemble, paths);
    await checking(() => {
      checkBatch(options);
      checkEnsemble(ensemble.predictors, options.tile);
    });
    if (part) return await reportToParent(mine, ensemble.predictors, options);
    describe(command, ensemble, paths, mine.length, options);
    const states = await withProgress(
      mine,
      (hooks) => runBatch(mine, ensemble.predictors, { ...options, ...hooks }),
    );
    return index === null ? await report(out, states, images) : listFailures(states, states.length);
  } finally {
    ensemble.dispose();
  }
}

/** Refuses models that are no files, and results that would be written over files of the user. */
async function checkFiles(
  { images, masks, out }: InferCommand,
  all: readonly BatchImage[],
  mine: readonly BatchImage[],
  models: readonly string[],
): Promise<void> {
  for (const path of models) refuseSpecial(path, `model ${path}`);
  const folder = (await Deno.stat(images)).isDirectory;
  await checkOutputs(out, mine, {
    all,
    inputs: [...models, ...(folder ? [] : [images])],
    folders: [...(folder ? [images] : []), ...(masks === undefined ? [] : [masks])],
  });
}

/** The images as CSV; height and width are empty where a file cannot be read. */
async function printImages(images: readonly BatchImage[]): Promise<void> {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  console.log("id,image,pixel_size_um,mask,height,width");
  for (const { id, path, pixelSize, truth } of images) {
    const { height, width } = await probeImage(path).catch(() => ({ height: "", width: "" }));
    const mask = truth === null ? "" : quoted(resolve(truth));
    console.log(
      [quoted(id), quoted(resolve(path)), pixelSize ?? "", mask, height, width].join(","),
    );
  }
}

/** Files that exist are taken by their names, brackets and all; others are patterns. */
async function modelPaths(patterns: readonly string[]): Promise<string[]> {
  if (patterns.length === 0) return [BUNDLED_MODEL];
  const paths: string[] = [];
  for (const pattern of patterns) {
    if (await exists(pattern)) {
      paths.push(pattern);
      continue;
    }
    const found: string[] = [];
    for await (const path of glob(pattern)) found.push(path);
    if (found.length === 0) throw new RangeError(`--models ${pattern} matches no file`);
    paths.push(...found.sort());
  }
  return paths;
}

async function open(command: InferCommand, paths: readonly string[]): Promise<Ensemble> {
  const { engine, backend, threads, expect } = command;
  // The engine of ONNX Runtime is checked against TensorFlow.js, which loads the weights anyway.
  await selectBackend(backend);
  return await openEnsemble(paths, {
    ...{ engine, threads, expect: { encoder: expect } },
    onMessage: (line) => console.error(line),
  });
}

async function batchOptions(
  command: InferCommand,
  ensemble: Ensemble,
  paths: readonly string[],
): Promise<BatchOptions> {
  const { settings } = command, { decision } = ensemble;
  return {
    ...settings,
    threshold: settings.threshold ?? decision.threshold ?? 0.5,
    interior: settings.interior ?? decision.interior ?? 0,
    crypts: {
      ...settings.crypts,
      minProbability: settings.crypts?.minProbability ?? decision.minProbability ?? 0,
      minAreaUm2: settings.crypts?.minAreaUm2 ?? decision.minAreaUm2,
    },
    outDir: command.out,
    models: await modelsDigest(paths),
    tile: command.tile ?? ensemble.tile ?? 512,
    modelPixelSize: ensemble.pixelSize,
    modelScale: ensemble.scale,
    reference: ensemble.reference,
    shared: command.index !== null || command.part !== null,
  };
}

/** Which models, which engine, and how far they can be trusted. */
function describe(
  command: InferCommand,
  ensemble: Ensemble,
  paths: readonly string[],
  images: number,
  options: BatchOptions,
): void {
  const { predictors, pixelSize, about } = ensemble;
  const bundled = command.models.length === 0;
  const names = paths.map((path) => basename(path)).join(", ");
  console.error(
    `${bundled ? "the bundled model" : counted(paths.length, "model")} (${names}) by ` +
      `${predictors[0].engine}, trained at ${
        pixelSize === null ? "unknown" : pixelSize
      } µm per pixel`,
  );
  for (const line of about) console.error(`  ${line}`);
  if (bundled && about.length === 0) {
    console.error("  for research and teaching, not for diagnosis; see models/README.md");
  }
  const assumed = assumptions(ensemble, { ...command.settings, tile: command.tile }, options);
  if (assumed !== null) console.error(`  ${assumed}`);
  const size = options.scale !== undefined
    ? `scale ${options.scale}`
    : pixelSize !== null
    ? `${pixelSize} µm per pixel (scale ${options.modelScale ?? 1} where theirs is unknown)`
    : `scale ${options.modelScale ?? 1}`;
  console.error(
    `${
      counted(images, "image")
    } to ${command.out}: tiles of ${options.tile} px at ${size}, ${options.mode}, ` +
      `TTA ${options.tta}; crypt above ${options.threshold}, ` +
      `mean at least ${options.crypts?.minProbability ?? 0}`,
  );
}

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** One bar over all images; its unit is the image, its note the tile. */
async function withProgress(
  images: readonly BatchImage[],
  work: (hooks: Pick<BatchOptions, "onTile" | "onImage" | "onSizing" | "signal">) => Promise<
    BatchState[]
  >,
): Promise<BatchState[]> {
  const bar = createProgress("segmenting", images.length, { unit: "image" });
  let sized = false, warned = false;
  try {
    return await stoppable((signal) =>
      work({
        signal,
        // The first image stands for all, the first guess for all guesses: results have a warning.
        onSizing: (line, guessed) => {
          if (!sized || (guessed && !warned)) console.error(`\n${line}`);
          sized = true;
          warned ||= guessed;
        },
        onTile: (done, total, image, i) => {
          bar.update(Number((i + done / total).toFixed(2)), `${image.id} tile ${done}/${total}`);
        },
        onImage: (state, i) => {
          const what = state.skipped ? "already done" : state.status;
          bar.update(i + 1, `${state.id} ${what}`);
        },
      })
    );
  } finally {
    await bar.finish();
  }
}

async function report(
  outDir: string,
  states: readonly BatchState[],
  images: readonly BatchImage[],
): Promise<number> {
  const files = await collectBatch(outDir, states);
  console.log(files.map((file) => join(outDir, file)).join("\n"));
  const left = await leftoverIds(outDir, images);
  if (left.length > 0) {
    const ids = left.slice(0, 5).join(", "), more = left.length > 5 ? ", …" : "";
    const what = `${counted(left.length, "image")} that ${left.length === 1 ? "is" : "are"}`;
    console.error(
      `${outDir} still holds results of ${what} not among these ${images.length} (${ids}${more}): ` +
        "the tables leave them out, their files stay",
    );
  }
  return listFailures(states, images.length);
}

/** Warnings that are told on the terminal, and ids that are named of each; summary.csv has all. */
const MOST_WARNINGS = 20, MOST_IDS = 5;

/** Which images need a look, those of one warning together. */
function tellWarnings(states: readonly BatchState[]): void {
  const groups = new Map<string, string[]>();
  for (const { id, status, result } of states) {
    const warning = status === "done" ? result?.trust.warning : null;
    if (warning) groups.set(warning, [...groups.get(warning) ?? [], id]);
  }
  for (const [warning, ids] of [...groups].slice(0, MOST_WARNINGS)) {
    const more = ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : "";
    console.error(`look at ${ids.slice(0, MOST_IDS).join(", ")}${more}: ${warning}`);
  }
  const rest = groups.size - MOST_WARNINGS;
  if (rest > 0) console.error(`${rest} more warnings: see the column warning of summary.csv`);
}

function listFailures(states: readonly BatchState[], images: number): number {
  const failed = states.filter((s) => s.status === "failed");
  const done = states.length - failed.length;
  const seconds = states.reduce((sum, s) => sum + (s.skipped ? 0 : s.seconds), 0);
  const before = states.filter((s) => s.skipped).length;
  const times = before === states.length ? [] : [formatSeconds(seconds)];
  const how = [...(before > 0 ? [`${before} before`] : []), ...times].join(", ");
  console.error(`${done} of ${images} images done (${how})`);
  tellWarnings(states);
  for (const { id, message } of failed) console.error(`failed: ${id}: ${message}`);
  const missing = images - states.length;
  if (missing > 0) {
    console.error(`${counted(missing, "image")} without a result yet: run without --collect`);
  }
  return failed.length > 0 || missing > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await infer(Deno.args));
