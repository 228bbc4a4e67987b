/** Maps of every training image by the fold that has not seen it: `deno task oof` (see `--help`). */
import "./quiet_libraries.ts";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { glob } from "node:fs/promises";
import { diceScore } from "crypts/annotation";
import { selectBackend } from "crypts/backend";
import { exists, writeWhole } from "crypts/base";
import { ensureMask, type ImageRecord, openDataset } from "crypts/dataset";
import { readRgb, resizeMask, writeGreyValues } from "crypts/image";
import { cutProbability, openEnsemble, predictMaps, type TilePredictor } from "crypts/inference";
import { readSafetensorsHeader } from "crypts/model";
import { patchScale } from "crypts/patching";
import { readTrainingInfo, type TrainingInfo } from "crypts/training";
import { checking, parseOptions, refuseEmpty, runCommand, UsageError } from "./command.ts";
import { threadsOption } from "./infer_numbers.ts";

const HELP =
  `Writes out-of-fold maps: each training image as seen by the fold that validated it, at the
size that the model works at, in overlapping windows with test-time augmentation.

deno task oof --data DIR --models GLOB --out DIR [--tta KIND] [--threads N]

  --data DIR      the data set of the training
  --models GLOB   fold models, e.g. "runs/glas85/models/*_fold?.safetensors"
  --out DIR       gets <image>_crypt.png (p(crypt) x 255), <image>_boundary.png of boundary models,
                  and dice.csv (image, fold, Dice of crypt at 0.5)
  --tta KIND      none, flips or d4 (default)
  --threads N     of ONNX Runtime (default: all cores)

Exit: 0 done, 1 failed, 2 the command cannot be run.`;

const TTA = ["none", "flips", "d4"] as const;
type Tta = typeof TTA[number];

/** A fold's model and the images that it has not seen. */
interface FoldModel {
  path: string;
  info: TrainingInfo;
}

async function foldModels(pattern: string): Promise<FoldModel[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  if (paths.length === 0) throw new UsageError(`--models ${pattern}: no such file`);
  return await Promise.all(
    paths.sort().map(async (path) => {
      const info = readTrainingInfo((await readSafetensorsHeader(path)).metadata);
      if (!info) {
        throw new UsageError(`${path} says nothing of its training: which images are new?`);
      }
      return { path, info };
    }),
  );
}

/**
 * That each image has one model that has not seen it, and each model such an image.
 *
 * @throws {UsageError} naming the models
 */
function checkFolds(models: readonly FoldModel[], train: readonly ImageRecord[]): void {
  const unseenBy = new Map<string, string>();
  for (const { path, info } of models) {
    const own = train.filter(({ id }) => info.validationImages.includes(id));
    if (own.length === 0) {
      throw new UsageError(`${path} validated on no training image of this data set`);
    }
    for (const { id } of own) {
      const other = unseenBy.get(id);
      if (other !== undefined) {
        throw new UsageError(
          `${other} and ${path} both have not seen ${id}: name the folds of one training alone`,
        );
      }
      unseenBy.set(id, path);
    }
  }
}

/** @throws {UsageError} when maps would lie within the data set */
async function checkOut(data: string, out: string): Promise<void> {
  const root = await Deno.realPath(data);
  // The nearest folder that exists: links are followed from there.
  let parent = resolve(out);
  while (!await exists(parent)) parent = dirname(parent);
  const within = relative(root, await Deno.realPath(parent));
  if (within === "" || (!within.startsWith("..") && !isAbsolute(within))) {
    throw new UsageError(`--out ${out} lies in the data set, into which nothing is written`);
  }
  if (!(await Deno.stat(parent)).isDirectory) throw new UsageError(`--out ${out} is no folder`);
}

const bytesOf = (values: Float32Array) => Uint8Array.from(values, (p) => Math.round(255 * p));

/** Writes the maps of an image and returns the Dice of crypt at 0.5. */
async function predictOne(
  record: ImageRecord,
  { info }: FoldModel,
  predictors: TilePredictor[],
  out: string,
  tta: Tta,
): Promise<number> {
  const scale = patchScale(record, { scale: info.scale, pixelSize: info.pixelSize ?? undefined });
  const image = await readRgb(record.imagePath, { scale }), { height, width } = image;
  const { probability, boundary } = await predictMaps(image, predictors, {
    ...{ tile: info.patchSize[0], mode: "sliding", overlap: 0.25, tta },
  });
  await writeGreyValues(join(out, `${record.id}_crypt.png`), {
    ...{ data: bytesOf(probability), height, width },
  });
  const path = join(out, `${record.id}_boundary.png`);
  if (boundary) await writeGreyValues(path, { data: bytesOf(boundary), height, width });
  else await Deno.remove(path).catch(() => {}); // One of another model.
  const truth = resizeMask(await ensureMask(record), height, width);
  return diceScore(cutProbability(probability), truth.data);
}

async function run(args: string[]): Promise<void> {
  const { data, models: pattern, out, tta, threads } = await checking(() => {
    const { values } = parseOptions({
      args,
      allowPositionals: false,
      options: {
        data: { type: "string" },
        models: { type: "string" },
        out: { type: "string" },
        tta: { type: "string", default: "d4" },
        threads: { type: "string" },
      },
    });
    refuseEmpty(values);
    for (const name of ["data", "models", "out"] as const) {
      if (values[name] === undefined) throw new RangeError(`--${name} is needed, see --help`);
    }
    if (!TTA.some((kind) => kind === values.tta)) {
      throw new RangeError(`--tta must be one of ${TTA.join(", ")}, got "${values.tta}"`);
    }
    const threads = threadsOption(values.threads);
    return { ...values as Record<"data" | "models" | "out", string> & { tta: Tta }, threads };
  });
  const models = await foldModels(pattern), { train } = await checking(() => openDataset(data));
  checkFolds(models, train);
  await checkOut(data, out);
  // It stands for all maps: it comes last, and goes first.
  const table = join(out, "dice.csv");
  await Deno.mkdir(out, { recursive: true });
  if (await exists(table)) await Deno.remove(table);
  console.log((await selectBackend()).line);
  const rows: string[] = [];
  for (const model of models) {
    const { predictors, dispose } = await openEnsemble([model.path], { threads });
    const scores: number[] = [];
    for (const record of train.filter(({ id }) => model.info.validationImages.includes(id))) {
      const dice = await predictOne(record, model, predictors, out, tta);
      scores.push(dice);
      rows.push(`${record.id},${model.info.fold},${dice}`);
    }
    dispose();
    const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
    console.log(
      `${basename(model.path)} (epoch ${model.info.epoch}): Dice ${mean.toFixed(4)} over ` +
        `${scores.length} ${scores.length === 1 ? "image" : "images"} that it has not seen`,
    );
  }
  await writeWhole(table, `image,fold,dice\n${rows.join("\n")}\n`);
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => run(Deno.args)));
}
