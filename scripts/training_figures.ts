/** Draws the figures of docs/training.md from the tables beside it: `deno run -A scripts/training_figures.ts`. */
import { join } from "node:path";
import { PROJECT_ROOT, writeWhole } from "crypts/base";
import { readTextRows } from "crypts/tables";
import { type Line, linesFigure } from "crypts/viz";

const docs = join(PROJECT_ROOT, "docs");

/** One line per start. */
function linesOf(table: string, x: string, y: string): Line[] {
  const rows = readTextRows(join(docs, table), ["start", x, y]);
  return [...Map.groupBy(rows, (row) => row.start!)].map(([name, own]) => ({
    name,
    points: own.map((row) => ({ x: Number(row[x]), y: Number(row[y]) })),
  }));
}

await writeWhole(
  join(docs, "training_starts.svg"),
  linesFigure(linesOf("training_starts.csv", "minutes", "dice"), {
    title: "Three starts of the same training",
    subtitle:
      "GlaS, fold 0: 65 images of 13 patients, validated on 20 images of 2 others; 7 epochs",
    xLabel: "minutes (native backend, two shared cores)",
    xDomain: [0, 8],
    yLabel: "pixel Dice of the validation patches",
    yDomain: [0.6, 1],
  }),
);
await writeWhole(
  join(docs, "few_images.svg"),
  linesFigure(
    linesOf("few_images.csv", "images", "dice"),
    {
      title: "How many annotated images does it take?",
      subtitle: "GlaS: test Dice on 20 images of two other patients, 165 steps each",
      xLog: [2, 5, 10, 20, 40],
      xLabel: "annotated images",
      yLabel: "pixel Dice",
      yDomain: [0.6, 1],
    },
  ),
);
