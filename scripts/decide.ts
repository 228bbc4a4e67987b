/** Chooses how probabilities become crypts, on out-of-fold maps: `deno task decide` (see `--help`). */
import "./quiet_libraries.ts";
import { join } from "node:path";
import { exists, writeWhole } from "crypts/base";
import { SMALLEST_CRYPT_PIXELS, SMALLEST_CRYPT_UM2 } from "crypts/crypts";
import { ensureLabels, type ImageRecord, openDataset } from "crypts/dataset";
import { probeImage, readGreyValues, resizeMap } from "crypts/image";
import {
  DECISION_GRID,
  type DecisionGrid,
  type DecisionScores,
  DecisionSearch,
  type JudgedDecision,
} from "crypts/inference";
import { readTextRows } from "crypts/tables";
import { checking, parseOptions, refuseEmpty, runCommand } from "./command.ts";

const HELP =
  `Chooses threshold, interior, minProbability and minAreaUm2 by object F1 + object Dice on the maps of
"deno task oof", which no model has made of images that it was trained on.

deno task decide --data DIR --maps DIR

  --data DIR   the data set of the training, with masks, labels or polygons
  --maps DIR   what "deno task oof" wrote; gets decisions.csv, a row for each decision that was tried

Prints the best decision as options of "infer" and "train", and what choosing is worth: each fold
scored with the decision that was chosen on the other folds.

Exit: 0 done, 1 failed, 2 the command cannot be run.`;

async function readMap(path: string, { height, width }: ImageRecord): Promise<Float32Array> {
  const header = await probeImage(path), { data } = await readGreyValues(path, header);
  const values = Float32Array.from(data, (value) => value / 255);
  return resizeMap(values, header.height, header.width, height, width);
}

/** The fold of each image, from `dice.csv`. */
function foldsOf(maps: string): Map<string, string> {
  const rows = readTextRows(join(maps, "dice.csv"), ["image", "fold"]);
  const folds = new Map<string, string>();
  for (const { image, fold } of rows) {
    if (!image || !fold || folds.has(image)) {
      throw new RangeError(
        `${join(maps, "dice.csv")}: each image must be there once with its fold, ` +
          `got "${image ?? ""}" with "${fold ?? ""}"`,
      );
    }
    folds.set(image, fold);
  }
  return folds;
}

const digits = (value: number) => value.toFixed(3);
const line = (what: string, { dice, f1, precision, recall, objectDice }: DecisionScores) =>
  `${what}: object F1 ${digits(f1)} (precision ${digits(precision)}, recall ${digits(recall)}), ` +
  `object Dice ${digits(objectDice)}, pixel Dice ${digits(dice)}`;

function tableOf(search: DecisionSearch): string {
  const rows = search.decisions.map((decision) => {
    const { f1, objectDice, precision, recall, dice } = search.scores(decision);
    return [...Object.values(decision), ...[f1, objectDice, precision, recall, dice].map(digits)];
  });
  const head = [...Object.keys(search.decisions[0]), "object_f1", "object_dice", "precision"];
  return [[...head, "recall", "dice"], ...rows].map((row) => row.join(",")).join("\n") + "\n";
}

/** The decision as options of the commands that take one; `areas`: whether µm² were tried. */
function asOptions({ decision }: JudgedDecision, areas: boolean): string {
  const { threshold, interior, minProbability, minAreaUm2 } = decision;
  const settings = Object.entries(decision).filter(([key]) => areas || key !== "minAreaUm2")
    .map(([key, value]) => `--set ${key}=${value}`);
  return `deno task infer … --threshold ${threshold} --interior ${interior} ` +
    `--min-probability ${minProbability}${areas ? ` --min-area-um2 ${minAreaUm2}` : ""}\n` +
    `deno task train … ${settings.join(" ")}`;
}

/** The decisions that can be told apart on `records`. */
function gridFor(records: readonly ImageRecord[]): DecisionGrid {
  if (records.some(({ pixelSize }) => pixelSize !== null)) return DECISION_GRID;
  console.log(
    `no pixel size is known: the least area is ${SMALLEST_CRYPT_PIXELS} pixels and was not chosen`,
  );
  return { ...DECISION_GRID, minAreaUm2: [SMALLEST_CRYPT_UM2] };
}

async function run(args: string[]): Promise<void> {
  const { values } = await checking(() => {
    const options = { data: { type: "string" }, maps: { type: "string" } } as const;
    const parsed = parseOptions({ args, allowPositionals: false, options });
    refuseEmpty(parsed.values);
    return parsed;
  });
  const { data, maps } = values;
  const { train, folds } = await checking(async () => {
    if (!data) throw new RangeError("--data is needed: the data set of the training");
    if (!maps) throw new RangeError('--maps is needed: the folder that "deno task oof" wrote');
    if (!await exists(join(maps, "dice.csv"))) {
      throw new RangeError(`--maps ${maps} has no dice.csv: make it with "deno task oof"`);
    }
    const [{ train }, folds] = [await openDataset(data), foldsOf(maps)];
    const missing = [...folds.keys()].find((image) => !train.some(({ id }) => id === image));
    if (missing !== undefined) {
      throw new RangeError(`${join(maps, "dice.csv")}: ${data} has no training image "${missing}"`);
    }
    return { train: train.filter(({ id }) => folds.has(id)), folds };
  });
  const grid = gridFor(train), search = new DecisionSearch(grid);
  for (const record of train) {
    const [crypt, boundary] = ["crypt", "boundary"].map((k) =>
      join(maps!, `${record.id}_${k}.png`)
    );
    search.add({
      ...{ image: record.id, group: folds.get(record.id)!, pixelSize: record.pixelSize },
      probability: await readMap(crypt, record),
      boundary: await exists(boundary) ? await readMap(boundary, record) : null,
      labels: await ensureLabels(record),
    });
  }
  const path = join(maps!, "decisions.csv"), best = search.best();
  await writeWhole(path, tableOf(search));
  console.log(`${search.decisions.length} decisions on ${train.length} images, see ${path}`);
  console.log(line("best", best.scores));
  if (new Set(folds.values()).size > 1) {
    console.log(line("chosen on the other folds", search.heldOut().scores));
  }
  console.log(asOptions(best, grid.minAreaUm2.length > 1));
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => run(Deno.args)));
}
