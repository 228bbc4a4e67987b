/** The results of a batch in common tables. */
import { join } from "node:path";
import pl from "nodejs-polars";
import { readTextRows, writeCsv } from "../tables/mod.ts";
import { scoreTable } from "../evaluation/mod.ts";
import type { BatchState } from "./batch_state.ts";
import { writeDiceReport, writeEncodings } from "./reports.ts";
import { adoptTables, foreignTables, recordTables, removeTables, TABLES } from "./tables_record.ts";

/**
 * Writes, over all images that are done: `submission.csv` (encodings), `summary.csv` (crypts, density,
 * share, figures of trust, seconds) and, where there was ground truth, `dice_report_submission.csv` and `scores.csv`.
 *
 * Tables of an earlier run that these results do not give (scores without ground truth; all of them
 * where there is no result) are removed.
 *
 * @returns the names of the files
 * @throws {RangeError} naming a table in the folder that no batch has made
 * @throws {Error} naming a file that cannot be read or written
 */
export async function collectBatch(
  outDir: string,
  states: readonly BatchState[],
): Promise<string[]> {
  const [foreign] = await foreignTables(outDir, states);
  if (foreign !== undefined) {
    throw new RangeError(
      `${join(outDir, foreign)} is a table that no earlier run has made: move it away`,
    );
  }
  await adoptTables(outDir);
  if (states.length === 0) {
    await removeTables(outDir);
    return [];
  }
  const done = states.filter((s) => s.status === "done");
  const encodings = done.flatMap(({ id }) =>
    readTextRows(join(outDir, "encodings", `${id}.csv`), ["img", "pixels"])
      .map(({ img, pixels }) => ({ img: img!, pixels: pixels! }))
  );
  const scores = done.flatMap((s) => s.scores ? [s.scores] : []);
  const files = ["submission.csv", "summary.csv"];
  if (scores.length > 0) files.push("dice_report_submission.csv", "scores.csv");
  // Scores of an earlier run do not stay beside results without.
  await removeTables(outDir, TABLES.filter((name) => !files.includes(name)));
  await recordTables(outDir, files);
  await writeEncodings(join(outDir, "submission.csv"), encodings);
  await writeCsv(join(outDir, "summary.csv"), summaryTable(states));
  if (scores.length > 0) {
    await writeDiceReport(
      join(outDir, "dice_report_submission.csv"),
      scores.map(({ image, dice }) => ({ img: image, dice })),
    );
    // JSON knows no infinity: such distances were read back as null.
    const finite = scores.map((s) => ({ ...s, objectHausdorff: s.objectHausdorff ?? Infinity }));
    await writeCsv(join(outDir, "scores.csv"), scoreTable(finite));
  }
  return files;
}

function summaryTable(states: readonly BatchState[]) {
  const column = (
    name: string,
    of: (state: BatchState) => string | number | null | undefined,
    type: typeof pl.Float64 | typeof pl.Int32 | typeof pl.Utf8 = pl.Float64,
  ) => {
    const values = states.map((s) => of(s) ?? null);
    // polars makes 0 of a null among integers, but not of one that it casts.
    return [
      name,
      type === pl.Int32
        ? pl.Series(name, values, pl.Float64).cast(type)
        : pl.Series(name, values, type),
    ];
  };
  return pl.DataFrame(Object.fromEntries([
    column("img", (s) => s.id, pl.Utf8),
    column("status", (s) => s.status, pl.Utf8),
    column("height", (s) => s.result?.height, pl.Int32),
    column("width", (s) => s.result?.width, pl.Int32),
    column("pixel_size_um", (s) => s.result?.pixelSize),
    column("crypts", (s) => s.result?.crypts, pl.Int32),
    column("crypts_per_mm2", (s) => s.result?.perMm2),
    column("crypt_share", (s) => s.result?.cryptShare),
    column("scale", (s) => s.result?.scale),
    column("tiles", (s) => s.result?.tiles, pl.Int32),
    column("glass_tiles", (s) => s.result?.glassTiles, pl.Int32),
    column("entropy", (s) => s.result?.trust.entropy),
    column("expected_dice", (s) => s.result?.trust.expectedDice),
    column("stain_distance", (s) => s.result?.trust.stainDistance),
    column("warning", (s) => s.result?.trust.warning, pl.Utf8),
    column("seconds", (s) => s.seconds),
    column("message", (s) => s.message, pl.Utf8),
  ]));
}
