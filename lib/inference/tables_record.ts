/** The tables over all images: which of them a batch has made, so that no other is touched. */
import { join } from "node:path";
import { clearDone, exists, readDone, writeWhole } from "../base/mod.ts";
import { statePath } from "./batch_paths.ts";

/** Every table over all images. */
export const TABLES = [
  "submission.csv",
  "summary.csv",
  "dice_report_submission.csv",
  "scores.csv",
] as const;

/** Ids begin with no dot, so that no image's state has this name. */
const recordPath = (outDir: string) => join(outDir, "state", ".tables.json");

async function recorded(outDir: string): Promise<string[] | null> {
  try {
    const { tables } = JSON.parse(await Deno.readTextFile(recordPath(outDir)));
    return Array.isArray(tables) ? tables : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Tables in the folder that no batch has made. */
export async function foreignTables(
  outDir: string,
  images: readonly { id: string }[],
): Promise<string[]> {
  const there: string[] = [], ours = await recorded(outDir);
  for (const name of TABLES) {
    if (!ours?.includes(name) && await exists(join(outDir, name))) there.push(name);
  }
  return there.length > 0 && ours === null && await hasOldStates(outDir, images) ? [] : there;
}

/** Up to its version 2 inference kept no record of its tables. */
async function hasOldStates(outDir: string, images: readonly { id: string }[]): Promise<boolean> {
  for (const { id } of images) {
    const made = (await readDone<unknown>(statePath(outDir, id)))?.made;
    if (made?.step === "inference" && made.version <= 2) return true;
  }
  return false;
}

/** Notes the tables that are there, which are checked to be a batch's own. */
export async function adoptTables(outDir: string): Promise<void> {
  // What is recorded stays: another process may be about to write it.
  const ours = new Set(await recorded(outDir) ?? []);
  for (const name of TABLES) if (await exists(join(outDir, name))) ours.add(name);
  if (ours.size > 0) await recordTables(outDir, TABLES.filter((name) => ours.has(name)));
}

/** Notes the tables as made by a batch: to be called before they are written. */
export async function recordTables(outDir: string, tables: readonly string[]): Promise<void> {
  const text = JSON.stringify({ tables }) + "\n";
  if (await exists(recordPath(outDir)) && await Deno.readTextFile(recordPath(outDir)) === text) {
    return;
  }
  await writeWhole(recordPath(outDir), text);
}

/**
 * Removes tables that a batch has made: to be called before a result that they speak of changes, and
 * for those that the new results do not give.
 */
export async function removeTables(
  outDir: string,
  tables: readonly string[] = TABLES,
): Promise<void> {
  for (const name of await recorded(outDir) ?? []) {
    if (tables.includes(name)) await clearDone(join(outDir, name));
  }
}
