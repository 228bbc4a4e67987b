/** The report over folds, kept across runs that train one fold each. */
import { exists } from "../base/mod.ts";
import { readTextRows } from "../tables/mod.ts";
import { writeReport } from "./logs.ts";

const COLUMNS = ["model name", "valid_loss"] as const;

/**
 * Puts the best validation loss of a fold's model into the report, or takes its row out (null). The
 * rows of other folds stay; rows are in the order of their names, numbers by value.
 *
 * @throws {Error} naming the file when it cannot be read or written
 */
export async function updateReport(
  path: string,
  modelName: string,
  validLoss: number | null,
): Promise<void> {
  const found = await exists(path) ? readTextRows(path, COLUMNS) : [];
  const rows = found
    .map((row) => ({ modelName: row["model name"] ?? "", validLoss: Number(row.valid_loss) }))
    .filter((row) => row.modelName !== modelName);
  if (validLoss === null && rows.length === found.length) return;
  if (validLoss !== null) rows.push({ modelName, validLoss });
  rows.sort((a, b) => a.modelName.localeCompare(b.modelName, "en", { numeric: true }));
  await writeReport(path, rows);
}
