/** Feature tables on disk: `.npy` values, `.csv` labels, and a `.json` that says what they are of. */
import { readTextRows, writeCsv } from "../../tables/mod.ts";
import { exists, writeWhole } from "../../base/mod.ts";
import type { FeatureTable, TileLabel } from "./table.ts";
import type { FeatureKey } from "./key.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import pl from "nodejs-polars";

const COLUMNS = ["image", "split", "row", "column", "crypt", "crypt_share", "donor"] as const;

/**
 * Writes `<stem>.npy`, `<stem>.csv` and `<stem>.json`. The last is written at the end and removed
 * first: where it is, the others are whole and belong to it.
 */
export async function writeFeatureCache(
  stem: string,
  key: FeatureKey,
  table: FeatureTable,
): Promise<void> {
  await Deno.remove(`${stem}.json`).catch(() => {});
  await writeWhole(`${stem}.npy`, encodeNpy(table.values, table.rows, table.columns));
  const { labels } = table;
  await writeCsv(
    `${stem}.csv`,
    pl.DataFrame({
      image: labels.map((l) => l.image),
      split: labels.map((l) => l.split),
      row: labels.map((l) => l.row),
      column: labels.map((l) => l.column),
      crypt: labels.map((l) => l.crypt ? 1 : 0),
      crypt_share: labels.map((l) => l.cryptShare),
      donor: labels.map((l) => l.donor ?? ""),
    }),
  );
  await writeWhole(`${stem}.json`, JSON.stringify(key, null, 2) + "\n");
}

/**
 * The table under `stem` when it was made with exactly `key`; null when there is none, when it is
 * stale, and when its files have been damaged since.
 */
export async function readFeatureCache(
  stem: string,
  key: FeatureKey,
): Promise<FeatureTable | null> {
  if (!await exists(`${stem}.json`)) return null;
  try {
    const stored = JSON.parse(await Deno.readTextFile(`${stem}.json`));
    if (JSON.stringify(stored) !== JSON.stringify(key)) return null;
    const matrix = decodeNpy(await Deno.readFile(`${stem}.npy`), `${stem}.npy`);
    const rows = readTextRows(`${stem}.csv`, COLUMNS);
    const labels = rows.map((r): TileLabel => ({
      image: String(r.image),
      split: r.split === "test" ? "test" : "train",
      row: Number(r.row),
      column: Number(r.column),
      crypt: Number(r.crypt) === 1,
      cryptShare: Number(r.crypt_share),
      donor: r.donor || null,
    }));
    return labels.length === matrix.rows ? { ...matrix, labels } : null;
  } catch {
    // Whatever is wrong with a cache, computing again is the answer.
    return null;
  }
}
