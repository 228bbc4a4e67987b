/** Configurations by images that their folds have not seen: a table, a figure, an ensemble (see `--help`). */
import { join } from "node:path";
import { parseArgs } from "node:util";
import pl from "nodejs-polars";
import { writeWhole } from "crypts/base";
import { cryptsOfLabels, findCrypts, smallestCrypt } from "crypts/crypts";
import { ensureLabels, type ImageRecord, openDataset } from "crypts/dataset";
import { confidenceIntervals, type ImageScores, pooledTable, scoreCrypts } from "crypts/evaluation";
import { poolScores } from "crypts/evaluation";
import { type LabelMask, readGreyValues, resizeMap, resizeMask } from "crypts/image";
import { diceScore } from "crypts/annotation";
import { probeImage } from "crypts/image";
import { classesOf } from "crypts/inference";
import { exists } from "crypts/base";
import { readTextRows, writeCsv } from "crypts/tables";
import { intervalFigure, writeFigure } from "crypts/viz";
import { checking, numberOption, refuseEmpty, runCommand } from "./command.ts";

const HELP = `Compares configurations by their out-of-fold maps (deno task oof), as workflows/ does.

deno run -A scripts/compare.ts --data DIR --out DIR [--largest N] NAME…

  NAME…        configurations; their maps lie in OUT/out_of_fold/NAME/
  --data DIR   the data set of the trainings
  --out DIR    gets table.csv, table.md, figure.svg, figure.jpg, ensemble.txt
  --largest N  most configurations in an ensemble (default 3)

Exit: 0 done, 1 failed, 2 the command cannot be run.`;

/** Maps of an image at the size that models work at, values 0 to 255. */
interface Maps {
  height: number;
  width: number;
  crypt: Uint8Array;
  boundary: Uint8Array | null;
}

/** An image with its truth, its fold, and the maps of every configuration. */
interface Seen {
  record: ImageRecord;
  fold: string;
  labels: LabelMask;
  maps: Map<string, Maps>;
}

async function readMaps(folder: string, id: string): Promise<Maps> {
  const path = join(folder, `${id}_crypt.png`), boundary = join(folder, `${id}_boundary.png`);
  const { height, width } = await probeImage(path), size = { height, width };
  return {
    ...size,
    crypt: (await readGreyValues(path, size)).data,
    boundary: await exists(boundary) ? (await readGreyValues(boundary, size)).data : null,
  };
}

/**
 * The images that every configuration has maps of, by a fold that is the same for all.
 *
 * @throws {RangeError} naming an image that two configurations have in different folds
 */
async function readAll(data: string, out: string, names: readonly string[]): Promise<Seen[]> {
  const { train } = await openDataset(data);
  const images = new Map(train.map((record) => [record.id, record]));
  const seen = new Map<string, Seen>();
  for (const name of names) {
    const folder = join(out, "out_of_fold", name);
    for (const row of readTextRows(join(folder, "dice.csv"), ["image", "fold", "dice"])) {
      const record = images.get(row.image!);
      if (!record) throw new RangeError(`${folder} has ${row.image}, which ${data} has not`);
      const one = seen.get(record.id) ??
        { record, fold: row.fold!, labels: await ensureLabels(record), maps: new Map() };
      if (one.fold !== row.fold) {
        throw new RangeError(
          `${record.id} is in fold ${row.fold} of ${name} and in fold ${one.fold} of ${
            names[0]
          }: ` +
            "configurations of one grid must have the same folds",
        );
      }
      one.maps.set(name, await readMaps(folder, record.id));
      seen.set(record.id, one);
    }
  }
  const whole = [...seen.values()].filter(({ maps }) => maps.size === names.length);
  if (whole.length < seen.size) {
    throw new RangeError(
      `${seen.size - whole.length} of ${seen.size} images lack the maps of a configuration`,
    );
  }
  return whole;
}

/** The mean of several configurations' maps at the image's own size, as probabilities. */
function meanMap({ record, maps }: Seen, names: readonly string[], kind: "crypt" | "boundary") {
  const { height, width } = record;
  const mean = new Float32Array(height * width);
  for (const name of names) {
    const { height: h, width: w, [kind]: bytes } = maps.get(name)!;
    if (bytes === null) return null;
    const map = resizeMap(Float32Array.from(bytes, (b) => b / 255), h, w, height, width);
    for (let i = 0; i < mean.length; i++) mean[i] += map[i] / names.length;
  }
  return mean;
}

/** Scores of an image by a configuration, or by several that are averaged. */
function score(image: Seen, names: readonly string[]): ImageScores {
  const { record, labels } = image, { height, width } = record;
  const probability = meanMap(image, names, "crypt")!;
  const classes = classesOf(probability, meanMap(image, names, "boundary"));
  const data = classes.map((value) => value === 0 ? 0 : 1), mask = { data, height, width };
  const boundaries = names.every((name) => image.maps.get(name)!.boundary !== null);
  const crypts = findCrypts(mask, { minArea: smallestCrypt(record.pixelSize) }, {
    probability,
    interior: boundaries ? classes.map((value) => value === 1 ? 1 : 0) : null,
  });
  return scoreCrypts(record.id, mask, labels, crypts, cryptsOfLabels(labels));
}

/** Dice of averaged maps at 0.5, at their own size where that is one: quick, for the choice. */
function quickDice(image: Seen, names: readonly string[]): number {
  const { labels, maps } = image, all = names.map((name) => maps.get(name)!);
  const crypt = { ...labels, data: Uint8Array.from(labels.data, (label) => label ? 1 : 0) };
  const [{ height, width }] = all;
  if (all.some((map) => map.height !== height || map.width !== width)) {
    const whole = meanMap(image, names, "crypt")!;
    return diceScore(Uint8Array.from(whole, (p) => p > 0.5 ? 1 : 0), crypt.data);
  }
  const predicted = new Uint8Array(height * width), least = 127.5 * all.length;
  for (let i = 0; i < predicted.length; i++) {
    predicted[i] = all.reduce((sum, { crypt }) => sum + crypt[i], 0) > least ? 1 : 0;
  }
  return diceScore(predicted, resizeMask(crypt, height, width).data);
}

/**
 * Greedy forward selection (Caruana and others, "Ensemble Selection from Libraries of Models", 2004):
 * the best configuration, then whichever raises the mean Dice most, while one does.
 */
function chooseEnsemble(
  images: readonly Seen[],
  names: readonly string[],
  largest: number,
): string[] {
  let chosen: string[] = [], best = -Infinity;
  while (chosen.length < largest) {
    const tried = names.filter((name) => !chosen.includes(name)).map((name) => {
      const together = [...chosen, name];
      const total = images.reduce((sum, image) => sum + quickDice(image, together), 0);
      return { together, dice: total / images.length };
    });
    const next = tried.reduce((a, b) => b.dice > a.dice ? b : a, { together: chosen, dice: best });
    if (next.together === chosen) break;
    [chosen, best] = [next.together, next.dice];
  }
  return chosen;
}

/** {@link score}, each combination once. */
function remembered() {
  const known = new Map<string, ImageScores>();
  return (image: Seen, names: readonly string[]): ImageScores => {
    const key = `${image.record.id} ${[...names].sort().join(" ")}`;
    const found = known.get(key) ?? score(image, names);
    known.set(key, found);
    return found;
  };
}

async function writeTable(
  out: string,
  rows: { label: string; scores: ImageScores[] }[],
  groupOf: (image: string) => string,
): Promise<void> {
  const tables = rows.map(({ label, scores }) => {
    const { group: _, ...row } = pooledTable(scores, null, { groupOf }).toRecords()[0];
    return { configuration: label, ...row };
  });
  await writeCsv(join(out, "table.csv"), pl.DataFrame(tables));
  const names = Object.keys(tables[0]);
  const line = (cells: unknown[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    line(names),
    line(names.map(() => "---")),
    ...tables.map((row) => line(Object.values(row))),
  ];
  await writeWhole(join(out, "table.md"), lines.join("\n") + "\n");
}

async function writeComparison(
  out: string,
  rows: { label: string; scores: ImageScores[] }[],
  groupOf: (image: string) => string,
  subtitle: string,
): Promise<void> {
  const drawn = rows.map(({ label, scores }) => {
    const pooled = poolScores(scores), intervals = confidenceIntervals(scores, { groupOf });
    const of = (key: "dice" | "f1" | "objectDice") => ({
      ...{ value: pooled[key], low: intervals[key][0], high: intervals[key][1] },
    });
    return {
      label,
      scores: { "Dice": of("dice"), "object F1": of("f1"), "object Dice": of("objectDice") },
    };
  });
  const title = "Configurations by images that their folds have not seen";
  await writeFigure(
    join(out, "figure"),
    intervalFigure(drawn, { title, subtitle, xLabel: "score" }),
  );
}

async function run(args: string[]): Promise<void> {
  const { data, out, names, largest } = await checking(() => {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { data: { type: "string" }, out: { type: "string" }, largest: { type: "string" } },
    });
    refuseEmpty(values);
    const { data, out } = values;
    if (data === undefined || out === undefined || positionals.length === 0) {
      throw new RangeError(`--data, --out and at least one configuration are needed\n\n${HELP}`);
    }
    const most = numberOption(
      "largest",
      values.largest,
      "an integer >= 1",
      (v) => Number.isInteger(v) && v >= 1,
    );
    return { data, out, names: positionals, largest: most ?? 3 };
  });
  const images = await readAll(data, out, names), scoreOf = remembered();
  const rows = names.map((name) => ({
    label: name,
    scores: images.map((image) => scoreOf(image, [name])),
  }));
  const chosen = chooseEnsemble(images, names, largest);
  rows.push({
    label: "chosen ensemble",
    scores: images.map((image) => scoreOf(image, chosen)),
  });
  // What is chosen on images flatters itself there: so also chosen without a fold, scored on it.
  const folds = [...new Set(images.map(({ fold }) => fold))];
  if (folds.length > 1) {
    const scores = folds.flatMap((fold) => {
      const others = images.filter((image) => image.fold !== fold);
      const without = chooseEnsemble(others, names, largest);
      return images.filter((image) => image.fold === fold).map((image) => scoreOf(image, without));
    });
    rows.push({ label: "ensemble, chosen on other folds", scores });
  }
  const donors = new Map(images.map(({ record }) => [record.id, record.donor]));
  const byPatient = [...donors.values()].every((donor) => donor !== null);
  const groupOf = (image: string) => byPatient ? donors.get(image)! : image;
  await writeTable(out, rows, groupOf);
  const groups = new Set(images.map(({ record }) => groupOf(record.id))).size;
  const subtitle = `${images.length} images; 95% intervals by bootstrap over ${groups} ` +
    (byPatient ? "patients" : "images");
  await writeComparison(out, rows, groupOf, subtitle);
  await writeWhole(
    join(out, "ensemble.txt"),
    chosen.map((name) => `models/${name}_fold?.safetensors\n`).join(""),
  );
  console.log(await Deno.readTextFile(join(out, "table.md")));
  console.log(`chosen: ${chosen.join(", ")}`);
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => run(Deno.args)));
}
