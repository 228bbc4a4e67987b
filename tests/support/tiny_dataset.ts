/** A data set of a few tiny images in the project's layout, for tests of reading it. */
import { join } from "node:path";
import { writeMask, writeRgb } from "../../lib/image/write.ts";
import type { Mask, RgbImage } from "../../lib/image/pixels.ts";
import { createRandom } from "../../lib/base/random.ts";
import { encodeRle } from "../../lib/annotation/rle.ts";

/** Height and width of {@link writeTinyDataset}'s images. */
export const TINY_SIZE = [48, 64] as const;

/** An image of seeded noise in tissue-like colours. */
export function noiseImage(height: number, width: number, seed = 1): RgbImage {
  const random = createRandom(seed), data = new Uint8Array(height * width * 3);
  for (let i = 0; i < data.length; i++) data[i] = 120 + random.int(80);
  return { data, height, width };
}

/** A mask of seeded rectangles. */
export function blockMask(height: number, width: number, seed = 1, blocks = 4): Mask {
  const random = createRandom(seed), data = new Uint8Array(height * width);
  for (let b = 0; b < blocks; b++) {
    const top = random.int(height), left = random.int(width);
    const bottom = Math.min(height, top + 1 + random.int(height));
    const right = Math.min(width, left + 1 + random.int(Math.ceil(width / 3)));
    for (let y = top; y < bottom; y++) data.fill(1, y * width + left, y * width + right);
  }
  return { data, height, width };
}

/** The crypt of the tiny data set's image `id`: a rectangle on the left half. */
export function tinyMask(id: string): Mask {
  const [height, width] = TINY_SIZE, data = new Uint8Array(height * width);
  if (id === "empty") return { data, height, width };
  for (let y = 8; y < 40; y++) data.fill(1, y * width + 4, y * width + 20 + id.length);
  return { data, height, width };
}

/**
 * Writes `train/{a,bb,empty}.tiff`, `test/cccc.tiff`, both CSVs, the masks of train and the
 * information table (donor of a: "P1"). `empty` is not annotated (`0 0`); test has no mask files.
 */
export async function writeTinyDataset(root: string): Promise<void> {
  const [height, width] = TINY_SIZE;
  const splits = { train: ["a", "bb", "empty"], test: ["cccc"] };
  for (const [split, ids] of Object.entries(splits)) {
    const rows = ["id,predicted"];
    for (const id of ids) {
      const mask = tinyMask(id);
      await writeRgb(join(root, split, `${id}.tiff`), noiseImage(height, width, id.length));
      if (split === "train" && id !== "empty") {
        await writeMask(join(root, "train_mask", `${id}.tiff`), mask);
      }
      rows.push(`${id},${encodeRle(mask.data, height, width)}`);
    }
    await Deno.writeTextFile(join(root, `${split}.csv`), rows.join("\n") + "\n");
  }
  await Deno.writeTextFile(
    join(root, "colon-dataset_information.csv"),
    "image_file,width_pixels,height_pixels,patient_number,pixel_size_um\n" +
      `a,${width},${height},P1,0.5\nbb,${width},${height},P2,\n`,
  );
}
