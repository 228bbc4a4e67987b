/** Images with the maps that several configurations have of them, each by a fold that has not seen it. */
import { join } from "node:path";
import { exists } from "crypts/base";
import { ensureLabels, type ImageRecord, openDataset } from "crypts/dataset";
import { type LabelMask, probeImage, readGreyValues, resizeMap } from "crypts/image";
import { readTextRows } from "crypts/tables";

/** Maps of an image at the size that models work at, values 0 to 255. */
interface Maps {
  height: number;
  width: number;
  crypt: Uint8Array;
  boundary: Uint8Array | null;
}

/** An image with its truth, its fold, and the maps of every configuration. */
export interface Seen {
  record: ImageRecord;
  fold: string;
  labels: LabelMask;
  maps: Map<string, Maps>;
}

async function readMaps(folder: string, id: string): Promise<Maps> {
  const path = join(folder, `${id}_crypt.png`), boundary = join(folder, `${id}_boundary.png`);
  const { height, width } = await probeImage(path), size = { height, width };
  return {
    ...size,
    crypt: (await readGreyValues(path, size)).data,
    boundary: await exists(boundary) ? (await readGreyValues(boundary, size)).data : null,
  };
}

/**
 * The images that every configuration has maps of, by a fold that is the same for all.
 *
 * @throws {RangeError} naming an image that two configurations have in different folds
 */
export async function readAll(
  data: string,
  out: string,
  names: readonly string[],
): Promise<Seen[]> {
  const { train } = await openDataset(data);
  const images = new Map(train.map((record) => [record.id, record]));
  const seen = new Map<string, Seen>();
  for (const name of names) {
    const folder = join(out, "out_of_fold", name);
    for (const row of readTextRows(join(folder, "dice.csv"), ["image", "fold", "dice"])) {
      const record = images.get(row.image!);
      if (!record) throw new RangeError(`${folder} has ${row.image}, which ${data} has not`);
      const one = seen.get(record.id) ??
        { record, fold: row.fold!, labels: await ensureLabels(record), maps: new Map() };
      if (one.fold !== row.fold) {
        throw new RangeError(
          `${record.id} is in fold ${row.fold} of ${name} and in fold ${one.fold} of ${
            names[0]
          }: ` +
            "configurations of one grid must have the same folds",
        );
      }
      one.maps.set(name, await readMaps(folder, record.id));
      seen.set(record.id, one);
    }
  }
  const whole = [...seen.values()].filter(({ maps }) => maps.size === names.length);
  if (whole.length < seen.size) {
    throw new RangeError(
      `${seen.size - whole.length} of ${seen.size} images lack the maps of a configuration`,
    );
  }
  return whole;
}

/** The mean of several configurations' maps at the image's own size, as probabilities. */
export function meanMap(
  { record, maps }: Seen,
  names: readonly string[],
  kind: "crypt" | "boundary",
) {
  const { height, width } = record;
  const mean = new Float32Array(height * width);
  for (const name of names) {
    const { height: h, width: w, [kind]: bytes } = maps.get(name)!;
    if (bytes === null) return null;
    const map = resizeMap(Float32Array.from(bytes, (b) => b / 255), h, w, height, width);
    for (let i = 0; i < mean.length; i++) mean[i] += map[i] / names.length;
  }
  return mean;
}
