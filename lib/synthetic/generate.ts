/** The built-in data set: synthetic colon mucosa in the layout of the Colonic crypt data set. */
import { join } from "node:path";
import pl from "nodejs-polars";
import sharp from "sharp";
import { writeCsv } from "../tables/mod.ts";
import { INFORMATION_CSV } from "../dataset/mod.ts";
import { exists, writeWhole, writeWith } from "../base/mod.ts";
import { type RgbImage, writeMask } from "../image/mod.ts";
import { EMPTY_RLE, encodeRle } from "../annotation/mod.ts";
import { toQuPath } from "./annotations.ts";
import { PIXEL_SIZE, PLANS } from "./plan.ts";
import { drawSlide } from "./slide.ts";

/** Rises whenever the same seed gives other pixels, so that old folders are made anew. */
const VERSION = 1;
/** Marks a folder as generated; only such a folder is ever replaced. */
const MARKER = "synthetic.json";
const SMALLEST_SIDE = 128;

/** How {@link generateDataset} draws. */
export interface GenerateOptions {
  /** An integer; default 7. */
  seed?: number;
  /** [height, width] of every image in pixels of 0.5 µm, at least 128 each; default [1000, 1040]. */
  size?: [number, number];
  /** Called after each image. */
  onProgress?: (done: number, total: number, id: string) => void;
}

/**
 * Generates the synthetic data set in `root`: eight H&E-like images of two donors (five annotated
 * and one unannotated training image, two test images), masks, encodings, one GeoJSON, tables.
 *
 * Structures have their size in µm, so a larger image shows more crypts; up to 4536 x 4704 and more,
 * one image in memory at a time. The same seed and size give the same pixels. The folder appears
 * whole or not at all.
 *
 * @throws {RangeError} for a size under 128, or a seed that is no integer
 * @throws {Error} when `root` holds anything that this function did not make
 */
export async function generateDataset(root: string, options: GenerateOptions = {}): Promise<void> {
  const { seed = 7, size = [1000, 1040], onProgress } = options;
  for (const side of size) {
    if (!(Number.isInteger(side) && side >= SMALLEST_SIDE)) {
      throw new RangeError(`size must be integers of at least ${SMALLEST_SIDE}, got ${size}`);
    }
  }
  if (!Number.isInteger(seed)) throw new RangeError(`seed must be an integer, got ${seed}`);
  await refuseForeign(root);
  const part = `${root.replace(/\/+$/, "")}.part-${Deno.pid}`;
  await Deno.remove(part, { recursive: true }).catch(() => {});
  try {
    await writeDataset(part, seed, size, onProgress);
    if (await exists(root)) await Deno.remove(root, { recursive: true });
    await Deno.rename(part, root);
  } catch (cause) {
    await Deno.remove(part, { recursive: true }).catch(() => {});
    throw new Error(`cannot generate ${root}: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Makes sure that `root` holds a data set of {@link generateDataset}: generates it where it is
 * absent, and anew (with the seed and size it had) where an older version of this module made it.
 *
 * @param options for a data set that is absent
 * @returns whether it had to be generated
 * @throws as {@link generateDataset} does
 */
export async function ensureBuiltIn(root: string, options: GenerateOptions = {}): Promise<boolean> {
  const marker = await readMarker(root);
  if (marker?.version === VERSION) return false;
  const { seed, size } = marker ?? options;
  await generateDataset(root, { ...options, seed, size });
  return true;
}

async function writeDataset(
  root: string,
  seed: number,
  [height, width]: [number, number],
  onProgress: GenerateOptions["onProgress"],
): Promise<void> {
  for (const folder of ["train", "train_mask", "test", "test_mask"]) {
    await Deno.mkdir(join(root, folder), { recursive: true });
  }
  const encodings: Record<"train" | "test", { id: string; predicted: string }[]> = {
    train: [],
    test: [],
  };
  const information: Record<string, string | null>[] = [];
  for (const [k, plan] of PLANS.entries()) {
    const { image, mask, outlines } = await drawSlide(plan, height, width, seed);
    const stem = join(root, plan.split, plan.id);
    await writeScan(`${stem}.tiff`, image);
    if (plan.annotated) await writeMask(join(root, `${plan.split}_mask`, `${plan.id}.tiff`), mask);
    if (plan.polygons) await writeWhole(`${stem}.json`, toQuPath(outlines, height, width));
    const rle = plan.annotated ? encodeRle(mask.data, height, width) : EMPTY_RLE;
    encodings[plan.split].push({ id: plan.id, predicted: rle });
    information.push({
      image_file: plan.id,
      width_pixels: String(width),
      height_pixels: String(height),
      crypt_segmentation_file: plan.polygons ? `${plan.id}.json` : null,
      patient_number: plan.donor.number,
      pixel_size_um: String(PIXEL_SIZE),
    });
    onProgress?.(k + 1, PLANS.length, plan.id);
  }
  await writeCsv(join(root, "train.csv"), pl.DataFrame(encodings.train));
  await writeCsv(join(root, "test.csv"), pl.DataFrame(encodings.test));
  await writeCsv(join(root, INFORMATION_CSV), pl.DataFrame(information));
  const marker: Marker = { version: VERSION, seed, size: [height, width] };
  await writeWhole(join(root, MARKER), JSON.stringify(marker) + "\n");
}

/** A lossless TIFF that states its resolution, as slide scanners' files do. */
async function writeScan(path: string, { data, height, width }: RgbImage): Promise<void> {
  const perMillimetre = 1000 / PIXEL_SIZE;
  await writeWith(
    path,
    (temporary) =>
      sharp(data, { raw: { height, width, channels: 3 }, limitInputPixels: false })
        .tiff({
          compression: "lzw",
          predictor: "horizontal",
          xres: perMillimetre,
          yres: perMillimetre,
        })
        .toFile(temporary),
  );
}

interface Marker {
  version: number;
  seed: number;
  size: [height: number, width: number];
}

async function readMarker(root: string): Promise<Marker | null> {
  const path = join(root, MARKER);
  return await exists(path) ? JSON.parse(await Deno.readTextFile(path)) : null;
}

async function refuseForeign(root: string): Promise<void> {
  if (!await exists(root) || await readMarker(root)) return;
  for await (const entry of Deno.readDir(root)) {
    throw new Error(
      `${root} holds ${entry.name} and no ${MARKER}: only an empty or generated folder is replaced`,
    );
  }
}
