/** The tables and the figure of a comparison. */
import { join } from "node:path";
import pl from "nodejs-polars";
import { writeWhole } from "crypts/base";
import {
  confidenceIntervals,
  type Difference,
  type ImageScores,
  pairedDifferences,
  pooledTable,
  poolScores,
} from "crypts/evaluation";
import { writeCsv } from "crypts/tables";
import { intervalFigure, writeFigure } from "crypts/viz";

/** A configuration, or an ensemble, and its scores of all images. */
export interface Row {
  label: string;
  scores: ImageScores[];
}

/** Writes `table.csv` and `table.md`: a line per row, each score with its interval. */
export async function writeTable(
  out: string,
  rows: readonly Row[],
  groupOf: (image: string) => string,
): Promise<void> {
  const tables = rows.map(({ label, scores }) => {
    const { group: _, ...row } = pooledTable(scores, null, { groupOf }).toRecords()[0];
    return { configuration: label, ...row };
  });
  await writeCsv(join(out, "table.csv"), pl.DataFrame(tables));
  await writeWhole(join(out, "table.md"), markdown(tables));
}

function markdown(rows: readonly object[]): string {
  const names = Object.keys(rows[0]);
  const line = (cells: unknown[]) => `| ${cells.join(" | ")} |`;
  const lines = [names, names.map(() => "---"), ...rows.map((row) => Object.values(row))];
  return lines.map(line).join("\n") + "\n";
}

/**
 * Writes `differences.csv`: a line per pair of rows, the first minus the second, with the intervals of
 * the differences. Two rows may differ although their own intervals overlap.
 */
export async function writeDifferences(
  out: string,
  rows: readonly Row[],
  groupOf: (image: string) => string,
): Promise<void> {
  const pairs = rows.flatMap((first, i) => rows.slice(i + 1).map((second) => [first, second]));
  const lines = pairs.map(([first, second]) => {
    const of = pairedDifferences(first.scores, second.scores, { groupOf });
    const cell = ({ value, low, high }: Difference) =>
      `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
    return {
      ...{ first: first.label, second: second.label },
      ...{ dice: cell(of.dice), f1: cell(of.f1), objectDice: cell(of.objectDice) },
    };
  });
  // One configuration alone has no pair, and a table needs its columns.
  const empty = pl.DataFrame({ first: [], second: [], dice: [], f1: [], objectDice: [] });
  await writeCsv(join(out, "differences.csv"), lines.length > 0 ? pl.DataFrame(lines) : empty);
}

/** Writes `figure.svg` and `figure.jpg`. */
export async function writeFigures(
  out: string,
  rows: readonly Row[],
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
