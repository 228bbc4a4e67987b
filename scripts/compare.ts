/** Configurations by images that their folds have not seen: tables, a figure, an ensemble (see `--help`). */
import "./quiet_libraries.ts";
import { join } from "node:path";
import { writeWhole } from "crypts/base";
import { checking, numberOption, parseOptions, refuseEmpty, runCommand } from "./command.ts";
import { chooseEnsemble } from "./compare/ensemble.ts";
import { readAll, type Seen } from "./compare/images.ts";
import { remembered } from "./compare/scores.ts";
import { type Row, writeDifferences, writeFigures, writeTable } from "./compare/tables.ts";

const HELP = `Compares configurations by their out-of-fold maps (deno task oof), as workflows/ does.

deno run -A scripts/compare.ts --data DIR --out DIR [--largest N] NAME…

  NAME…        configurations; their maps lie in OUT/out_of_fold/NAME/
  --data DIR   the data set of the trainings
  --out DIR    gets table.csv, table.md, differences.csv, figure.svg, figure.jpg, ensemble.txt
  --largest N  most configurations in an ensemble (default 3)

Exit: 0 done, 1 failed, 2 the command cannot be run.`;

interface Options {
  data: string;
  out: string;
  names: string[];
  largest: number;
}

function parse(args: string[]): Options {
  const { values, positionals } = parseOptions({
    args,
    allowPositionals: true,
    options: { data: { type: "string" }, out: { type: "string" }, largest: { type: "string" } },
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
  return { data, out, names: positionals, largest: largest ?? 3 };
}

/** The rows of the table, and the configurations that are averaged best. */
function compare(images: readonly Seen[], names: readonly string[], largest: number) {
  const scoreOf = remembered();
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
  const { data, out, names, largest } = await checking(() => parse(args));
  const images = await readAll(data, out, names);
  const { rows, chosen } = compare(images, names, largest);
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
