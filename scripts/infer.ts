/**
 * Segments folders of images: `deno task infer --images DIR|IMAGE|MANIFEST.csv [options]` (see `--help`).
 */
import "./quiet_libraries.ts";
import { glob } from "node:fs/promises";
import { resolve } from "node:path";
import { selectBackend } from "crypts/backend";
import { collectNotices, exists, FolderLockedError, refuseSpecial } from "crypts/base";
import {
  type BatchImage,
  type BatchOptions,
  checkAlike,
  checkBatch,
  checkEnsemble,
  checkOutputs,
  checkTruths,
  type Ensemble,
  listBatch,
  modelsDigest,
  openEnsemble,
  readRecords,
  runBatch,
} from "crypts/inference";
import { probeImage } from "crypts/image";
import { BUNDLED_MODEL } from "crypts/model";
import { checking, UsageError } from "./command.ts";
import { HELP } from "./infer_help.ts";
import { type InferCommand, parseCommand } from "./infer_options.ts";
import { describe, listFailures, report, withProgress } from "./infer_report.ts";
import { Interrupted } from "./infer_stop.ts";
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
    return await report(out, records.map(({ note }) => note), images, collect);
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

if (import.meta.main) Deno.exit(await infer(Deno.args));
