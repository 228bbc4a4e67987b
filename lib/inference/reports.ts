/** The original's result files: `submission.csv` and the Dice reports. */
import pl from "nodejs-polars";
import { writeCsv } from "../tables/mod.ts";
import type { Mask } from "../image/mod.ts";
import { encodeRle } from "../annotation/mod.ts";

/**
 * Writes `submission.csv`: the columns `img` and `pixels` (run-length encoding), whole or not at all.
 *
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeSubmission(
  path: string,
  predictions: readonly { record: { id: string }; mask: Mask }[],
): Promise<void> {
  await writeEncodings(
    path,
    predictions.map(({ record, mask }) => ({
      img: record.id,
      pixels: encodeRle(mask.data, mask.height, mask.width),
    })),
  );
}

/** {@link writeSubmission} from encodings, for runs that do not keep their masks in memory. */
export async function writeEncodings(
  path: string,
  rows: readonly { img: string; pixels: string }[],
): Promise<void> {
  await writeCsv(
    path,
    pl.DataFrame({
      img: pl.Series("img", rows.map((r) => r.img), pl.Utf8),
      pixels: pl.Series("pixels", rows.map((r) => r.pixels), pl.Utf8),
    }),
  );
}

/**
 * Writes a Dice report: the columns `img` and `dice`, the last row `Average`.
 *
 * @returns the average
 * @throws {RangeError} when there is no row
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeDiceReport(
  path: string,
  rows: readonly { img: string; dice: number }[],
): Promise<number> {
  if (rows.length === 0) {
    throw new RangeError(`Dice report ${path} needs at least one annotated image, got none`);
  }
  const average = rows.reduce((sum, { dice }) => sum + dice, 0) / rows.length;
  const all = [...rows, { img: "Average", dice: average }];
  await writeCsv(
    path,
    pl.DataFrame({
      img: pl.Series("img", all.map((r) => r.img), pl.Utf8),
      dice: pl.Series("dice", all.map((r) => r.dice), pl.Float64),
    }),
  );
  return average;
}
