/** Feature tables on disk: `.npy` values, `.csv` labels, and a `.json` that says what they are of. */
import { basename, dirname, join } from "node:path";
import { readTextRows, writeCsv } from "../../tables/mod.ts";
import {
  clearDone,
  FileDigests,
  type Fingerprint,
  readDone,
  whyNotDone,
  writeDone,
  writeWhole,
} from "../../base/mod.ts";
import type { FeatureTable, TileLabel } from "./table.ts";
import { decodeNpy, encodeNpy } from "./npy.ts";
import pl from "nodejs-polars";

const COLUMNS = ["image", "split", "row", "column", "crypt", "crypt_share", "donor"] as const;

/** The digests that belong to the cache under `stem`, remembered beside it. */
export function featureDigests(stem: string): Promise<FileDigests> {
  return FileDigests.open(join(dirname(stem), `.${basename(stem)}_digests.json`));
}

/**
 * Writes `<stem>.npy`, `<stem>.csv` and `<stem>.json`. The last says what the table was made from and
 * holds the digests of the others: it is removed first and written at the end.
 */
export async function writeFeatureCache(
  stem: string,
  made: Fingerprint,
  table: FeatureTable,
  digests: FileDigests,
): Promise<void> {
  await clearDone(`${stem}.json`);
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
  await writeDone(`${stem}.json`, made, [`${stem}.npy`, `${stem}.csv`], digests, {
    leftOut: table.leftOut,
  });
  await digests.save();
}

/**
 * The table under `stem` when it was made from exactly `wanted`; null when there is none, when it is
 * stale, and when its files have been changed since.
 */
export async function readFeatureCache(
  stem: string,
  wanted: Fingerprint,
  digests: FileDigests,
): Promise<FeatureTable | null> {
  const state = await readDone<{ leftOut: number }>(`${stem}.json`);
  if (!state || await whyNotDone(`${stem}.json`, state, wanted, digests) !== null) return null;
  const matrix = decodeNpy(await Deno.readFile(`${stem}.npy`), `${stem}.npy`);
  const labels = readTextRows(`${stem}.csv`, COLUMNS).map((r): TileLabel => ({
    image: String(r.image),
    split: r.split === "test" ? "test" : "train",
    row: Number(r.row),
    column: Number(r.column),
    crypt: Number(r.crypt) === 1,
    cryptShare: Number(r.crypt_share),
    donor: r.donor || null,
  }));
  await digests.save();
  return { ...matrix, labels, leftOut: state.note.leftOut };
}
