/** Whether finished results may stand in one table: made by the same models with the same settings. */
import { type Done, FileDigests, type Json } from "../base/mod.ts";
import type { BatchImage } from "./batch_list.ts";
import type { BatchState } from "./batch_state.ts";

/** Ids that are named of each group. */
const MOST_NAMED = 3;

/**
 * Refuses results that different settings, models or versions have made. What is an image's own (its
 * pixel size, whether there is a ground truth) may differ.
 *
 * @throws {RangeError} naming what differs, and how many images have which value
 */
export function checkAlike(outDir: string, records: readonly Done<BatchState>[]): void {
  const done = records.filter(({ note }) => note.status === "done");
  const all = done.map((record) => decisionsOf(record));
  const keys = [...new Set(all.flatMap((values) => [...values.keys()]))];
  const differing = keys.flatMap((key) => {
    const groups = Map.groupBy(all.keys(), (i) => all[i].get(key) ?? "not said");
    if (groups.size < 2) return [];
    const parts = [...groups].map(([value, images]) => {
      const ids = images.slice(0, MOST_NAMED).map((i) => done[i].note.id).join(", ");
      const more = images.length > MOST_NAMED ? ", …" : "";
      return `${value} in ${images.length} (${ids}${more})`;
    });
    return [`${key} is ${parts.join(", ")}`];
  });
  if (differing.length === 0) return;
  throw new RangeError(
    `the results in ${outDir} are not of one kind, so no table is made of them: ` +
      `${
        differing.join("; ")
      }. Do the images of the unwanted kind again, or write each kind to a ` +
      "folder of its own",
  );
}

/**
 * Refuses results whose scores are of other masks than those that are given now. Where no masks are
 * given, the scores stand for those of the runs.
 *
 * @throws {RangeError} naming the images
 * @throws {Error} naming a mask that cannot be read
 */
export async function checkTruths(
  outDir: string,
  images: readonly BatchImage[],
  records: readonly Done<BatchState>[],
): Promise<void> {
  const made = new Map(
    records.filter(({ note }) => note.status === "done").map((r) => [r.note.id, r.made.inputs]),
  );
  const digests = await FileDigests.open(), others: string[] = [];
  for (const { id, truth } of images) {
    const inputs = made.get(id);
    if (!inputs || truth === null) continue;
    if (await digests.of(truth) !== inputs.truth) others.push(id);
  }
  if (others.length === 0) return;
  const ids = others.slice(0, MOST_NAMED).join(", "),
    more = others.length > MOST_NAMED ? ", …" : "";
  throw new RangeError(
    `the results in ${outDir} of ${others.length} of ${images.length} images (${ids}${more}) were ` +
      "not scored by the masks that are there now: do these images again",
  );
}

/** Everything that decides a result and must be the same, as text by its name. */
function decisionsOf({ made }: Done<BatchState>): Map<string, string> {
  const { pixelSize: _own, crypts, ...settings } = made.settings;
  const values = new Map<string, string>([["the version of inference", String(made.version)]]);
  for (const [name, value] of Object.entries({ ...settings, ...asObject(crypts) })) {
    values.set(name, JSON.stringify(value).slice(0, 60));
  }
  // Digests are long: their beginnings tell models apart.
  const models = (made.inputs.models ?? "").split("+").map((digest) => digest.slice(0, 8));
  return values.set("the models' SHA-256", models.join("+"));
}

function asObject(value: Json | undefined): { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
