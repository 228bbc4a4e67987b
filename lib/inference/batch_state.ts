/** What is known of each image of a batch: `state/<id>.json`, and whether its result can be kept. */
import { join } from "node:path";
import {
  clearDone,
  type Done,
  exists,
  FileDigests,
  type Fingerprint,
  fingerprint,
  readDone,
  whyNotDone,
  writeDone,
  writeWhole,
} from "../base/mod.ts";
import type { ImageScores } from "../evaluation/mod.ts";
import type { BatchImage } from "./batch_list.ts";
import { begunPath, statePath } from "./batch_paths.ts";
import type { Segmented, SegmentOptions } from "./segment.ts";
import { outputNamesOf } from "./segment_files.ts";
import { removeTables } from "./tables_record.ts";

/** What is known of an image after it was tried. */
export interface BatchState {
  id: string;
  status: "done" | "failed";
  /** Whether this run did it, or found it done. */
  skipped: boolean;
  seconds: number;
  /** Why it failed. */
  message?: string;
  result?: Omit<Segmented, "pixels" | "scores">;
  scores?: ImageScores;
}

/** The settings of a batch that decide its results, and the digest of its models. */
export type DecidingOptions = Omit<SegmentOptions, "onTile"> & { models: string };

/** Raised when the same inputs begin to give other results. */
const VERSION = 5;

/** The states of a folder of results. */
export class BatchStore {
  private constructor(private readonly outDir: string, private readonly digests: FileDigests) {}

  /** The store of a folder; digests that are known already are taken from its index. */
  static async open(outDir: string): Promise<BatchStore> {
    return new BatchStore(outDir, await FileDigests.open(join(outDir, ".digests.json")));
  }

  /** Writes the index of digests. */
  async save(): Promise<void> {
    await this.digests.save();
  }

  private path(id: string): string {
    return statePath(this.outDir, id);
  }

  /**
   * What decides an image's result. How it is computed (batch size, folder, engine) does not count.
   *
   * @throws {Error} naming an image or truth that cannot be read
   */
  async wanted(image: BatchImage, options: DecidingOptions): Promise<Fingerprint> {
    const { tile, mode, overlap, weights, sigma, combine, tta, threshold, interior, skipGlass } =
      options;
    const { scale, modelPixelSize, modelScale, normalizeStain, crypts } = options;
    const { geojson, labels, overlay, probability, uncertainty, reference, models } = options;
    const inputs: Record<string, string> = { models, image: await this.digests.of(image.path) };
    if (image.truth !== null) inputs.truth = await this.digests.of(image.truth);
    return fingerprint("inference", VERSION, {
      ...{ tile, mode, overlap, weights, sigma, combine, tta, threshold, interior, skipGlass },
      ...{ scale, modelPixelSize, modelScale, normalizeStain, pixelSize: image.pixelSize },
      // JSON knows no infinity.
      crypts: { ...crypts, maxHole: crypts?.maxHole === Infinity ? "all" : crypts?.maxHole },
      ...{ geojson, labels, overlay, probability, uncertainty, reference },
    }, inputs);
  }

  /** The state of an image whose result is the one wanted and whose files are untouched, or null. */
  async finished(id: string, wanted: Fingerprint): Promise<BatchState | null> {
    const path = this.path(id), done = await readDone<BatchState>(path);
    if (done?.note.status !== "done") return null;
    return await whyNotDone(path, done, wanted, this.digests) === null ? done.note : null;
  }

  /**
   * Takes an image's state back, and the tables that speak of it: to be called before its files are
   * touched. From here to {@link end} the image is known to be worked on.
   */
  async begin(id: string): Promise<void> {
    await writeWhole(begunPath(this.outDir, id), "{}\n");
    if (!await exists(this.path(id))) return;
    await removeTables(this.outDir);
    await clearDone(this.path(id));
  }

  /** Says that an image has its state: to be called when that is written, or was found. */
  async end(id: string): Promise<void> {
    await clearDone(begunPath(this.outDir, id));
  }

  /** Removes what earlier settings made of an image and these do not make. */
  async removeOthers(id: string, files: readonly string[]): Promise<void> {
    for (const name of outputNamesOf(id)) {
      if (files.includes(name) || !await exists(join(this.outDir, name))) continue;
      await Deno.remove(join(this.outDir, name));
    }
  }

  /** Writes the state of an image whose files, paths below the folder, are all written. */
  async write(
    id: string,
    made: Fingerprint,
    files: readonly string[],
    state: BatchState,
  ): Promise<void> {
    const paths = files.map((file) => join(this.outDir, file));
    await writeDone(this.path(id), made, paths, this.digests, state);
  }

  /**
   * Notes that an image failed before its files were touched. A finished result of the same image file
   * stays, and so does one whose image cannot be read just now; others go, since they are of an image
   * that is no more.
   */
  async fail(image: BatchImage, state: BatchState): Promise<void> {
    const { id } = image, done = await readDone<BatchState>(this.path(id));
    const digest = await this.digests.of(image.path).catch(() => null);
    if (done?.note.status === "done" && (digest === null || digest === done.made.inputs.image)) {
      return;
    }
    await this.begin(id);
    await this.removeOthers(id, []);
    await this.write(id, fingerprint("inference", VERSION, {}, {}), [], state);
    await this.end(id);
  }
}

/**
 * Reads the states of a batch, however many processes made them.
 *
 * @returns in the order of the images; images without a state are left out
 */
export async function readStates(
  outDir: string,
  images: readonly BatchImage[],
): Promise<BatchState[]> {
  return (await readRecords(outDir, images)).map(({ note }) => note);
}

/** {@link readStates} with what each was made from. */
export async function readRecords(
  outDir: string,
  images: readonly BatchImage[],
): Promise<Done<BatchState>[]> {
  const records: Done<BatchState>[] = [];
  for (const { id } of images) {
    const done = await readDone<BatchState>(statePath(outDir, id));
    if (done) records.push(done);
  }
  return records;
}
