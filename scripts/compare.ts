/** Configurations by images that their folds have not seen: tables, a figure, an ensemble (see `--help`). */
import "./quiet_libraries.ts";
import { join } from "node:path";
import { writeWhole } from "crypts/base";
import type { Decision } from "crypts/training";
import { checking, numberOption, parseOptions, refuseEmpty, runCommand } from "./command.ts";
import { chooseEnsemble } from "./compare/ensemble.ts";
import { readAll, type Seen } from "./compare/images.ts";
import { remembered } from "./compare/scores.ts";
import { type Row, writeDifferences, writeFigures, writeTable } from "./compare/tables.ts";

const HELP = `Compares configurations by their out-of-fold maps (deno task oof), as workflows/ does.

deno run -A scripts/compare.ts --data DIR --out DIR [options] NAME…

  NAME…        configurations; their maps lie in OUT/out_of_fold/NAME/
  --data DIR   the data set of the trainings
  --out DIR    gets table.csv, table.md, differences.csv, figure.svg, figure.jpg, ensemble.txt
  --largest N  most configurations in an ensemble (default 3)

How probabilities become crypts, as in "deno task infer": --threshold F (default 0.5), --interior F (0),
--min-probability F (0), --min-area-um2 F (200).

Exit: 0 done, 1 failed, 2 the command cannot be run.`;

interface Options {
  data: string;
  out: string;
  names: string[];
  largest: number;
  decision: Decision;
}

const text = { type: "string" } as const;
const NUMBERS = {
  threshold: text,
  interior: text,
  "min-probability": text,
  "min-area-um2": text,
} as const;

function parse(args: string[]): Options {
  const { values, positionals } = parseOptions({
    args,
    allowPositionals: true,
    options: { data: text, out: text, largest: text, ...NUMBERS },
  });
  refuseEmpty(values);
  const { data, out } = values;
  if (data === undefined || out === undefined || positionals.length === 0) {
    throw new RangeError(`--data, --out and at least one configuration are needed\n\n${HELP}`);
  }
  const largest = numberOption(
    "largest",
    values.largest,
    "an integer >= 1",
    (v) => Number.isInteger(v) && v >= 1,
  );
  const within = (name: keyof typeof NUMBERS, least: number, most: number) =>
    numberOption(
      name,
      values[name],
      most === Infinity ? `a number >= ${least}` : `a number in [${least}, ${most}]`,
      (v) => v >= least && v <= most,
    );
  const decision = {
    threshold: within("threshold", 0, 1),
    interior: within("interior", -1, 1),
    minProbability: within("min-probability", 0, 1),
    minAreaUm2: within("min-area-um2", 0, Infinity),
  };
  return { data, out, names: positionals, largest: largest ?? 3, decision };
}

/** The rows of the table, and the configurations that are averaged best. */
function compare(images: readonly Seen[], { names, largest, decision }: Options) {
  const scoreOf = remembered(decision);
  const rows: Row[] = names.map((name) => ({
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
  return { rows, chosen };
}

/** The command; see `--help`. */
export async function compareConfigurations(args: string[]): Promise<void> {
  const options = await checking(() => parse(args)), { data, out, names } = options;
  const images = await readAll(data, out, names);
  const { rows, chosen } = compare(images, options);
  const donors = new Map(images.map(({ record }) => [record.id, record.donor]));
  const byPatient = [...donors.values()].every((donor) => donor !== null);
  const groupOf = (image: string) => byPatient ? donors.get(image)! : image;
  await writeTable(out, rows, groupOf);
  await writeDifferences(out, rows, groupOf);
  const groups = new Set(images.map(({ record }) => groupOf(record.id))).size;
  const subtitle = `${images.length} images; 95% intervals by bootstrap over ${groups} ` +
    (byPatient ? "patients" : "images");
  await writeFigures(out, rows, groupOf, subtitle);
  await writeWhole(
    join(out, "ensemble.txt"),
    chosen.map((name) => `models/${name}_fold?.safetensors\n`).join(""),
  );
  console.log(await Deno.readTextFile(join(out, "table.md")));
  console.log(`chosen: ${chosen.join(", ")}`);
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else Deno.exit(await runCommand(() => compareConfigurations(Deno.args)));
}
