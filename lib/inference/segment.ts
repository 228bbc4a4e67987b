/** One image file of any size to its results on disk: mask, maps, crypts, encoding, picture. */
import { join } from "node:path";
import { encodeRuns, writeFeatures } from "../annotation/mod.ts";
import {
  type Crypt,
  cryptFeature,
  type CryptRow,
  cryptRow,
  cryptsOfLabels,
  cryptsPerMm2,
  cryptTable,
} from "../crypts/mod.ts";
import { type ImageScores, scoreCrypts } from "../evaluation/mod.ts";
import { readLabels } from "../image/mod.ts";
import { writeCsv } from "../tables/mod.ts";
import { writeLabelFile } from "./label_file.ts";
import { openImage, type OpenOptions } from "./open_image.ts";
import { writeOverlay } from "./overlay_file.ts";
import { segmentImage } from "./pipeline.ts";
import type { TilePredictor } from "./predictor.ts";
import {
  MapFiles,
  namesOf,
  type OutputChoice,
  type OutputNames,
  outputNames,
} from "./segment_files.ts";
import { cryptConcerns, type SegmentSettings } from "./settings.ts";
import { type Trust, type TrustReference, warningOf } from "./trust.ts";

/** Settings of {@link segmentFile}. */
export interface SegmentOptions
  extends OutputChoice, Omit<SegmentSettings, "deviations">, Omit<OpenOptions, "pixelSize"> {
  /** The folder in which the folders of results lie. */
  outDir: string;
  /** What the models' training images looked like, for {@link Segmented.trust}. */
  reference?: TrustReference | null;
  /** Called with one line that says how the image was resized. */
  onSizing?: (line: string, guessed: boolean) => void;
}

/** An image file to segment. */
export interface SegmentInput {
  /** Names its results. */
  id: string;
  path: string;
  /** µm per pixel where it is known; else the file's own is taken. */
  pixelSize?: number | null;
  /** A ground truth to score against: a mask, or labels. */
  truth?: string | null;
}

/** What {@link segmentFile} found and wrote. */
export interface Segmented {
  height: number;
  width: number;
  /** µm per pixel; null where it is unknown. */
  pixelSize: number | null;
  /** The factor by which the image was resized for the models. */
  scale: number;
  crypts: number;
  /** Crypts per mm² of image; null where the pixel size is unknown. */
  perMm2: number | null;
  /** Share of the image that is crypt. */
  cryptShare: number;
  /** Windows, and those that were glass and not predicted. */
  tiles: number;
  glassTiles: number;
  trust: Trust;
  /** Null where there is no ground truth. */
  scores: ImageScores | null;
  /** Run-length encoding of the mask, as in `submission.csv`. */
  pixels: string;
  /** Paths below the folder of results. */
  files: string[];
}

/**
 * Segments an image file. Its pixels, its probabilities and its mask pass through memory in bands, so
 * that memory follows the image's width and the number of crypts; labels, picture and scores need all
 * crypts at once, scores the mask too. Every file appears whole or not at all.
 *
 * @throws as `openImage` and `segmentImage` do
 */
export async function segmentFile(
  input: SegmentInput,
  ensemble: readonly TilePredictor[],
  options: SegmentOptions,
): Promise<Segmented> {
  const { outDir, reference } = options;
  const image = await openImage(input.path, { ...options, pixelSize: input.pixelSize });
  options.onSizing?.(image.sizing, image.guessed);
  const names = outputNames(input.id, options), maps = new MapFiles(names.maps, outDir);
  const settings = { ...options, deviations: options.uncertainty };
  let found: Awaited<ReturnType<typeof segmentImage>>;
  try {
    await maps.open(image);
    found = await segmentImage(image, ensemble, settings, {
      reference,
      onBand: (band) => maps.push(band),
    });
    await maps.finish();
  } catch (error) {
    await maps.abort();
    throw error;
  }
  const { height, width, pixelSize, windows, glassWindows, cryptPixels, trust } = found;
  const truth = input.truth ? await readLabels(input.truth, { height, width }) : null;
  const trueCrypts = truth && cryptsOfLabels(truth);
  const keep = truth !== null || names.labels !== null || names.overlay !== null;
  const { count, crypts } = await writeCrypts(
    input.id,
    found.crypts(),
    pixelSize,
    names,
    outDir,
    keep,
  );
  const trusted = {
    ...trust,
    warning: warningOf(
      trust,
      reference ?? null,
      { crypts: count, pixels: cryptPixels },
      [...image.concerns, ...cryptConcerns(options.crypts, pixelSize)],
    ),
  };
  if (names.labels) await writeLabelFile(join(outDir, names.labels), crypts, found);
  if (names.overlay) {
    await writeOverlay(join(outDir, names.overlay), input.path, found, crypts, trueCrypts);
  }
  return {
    ...{ height, width, pixelSize, scale: image.scale, crypts: count },
    perMm2: cryptsPerMm2(count, height * width, pixelSize),
    cryptShare: cryptPixels / (height * width),
    tiles: windows,
    glassTiles: glassWindows,
    trust: trusted,
    scores: truth && scoreCrypts(input.id, found.mask(), truth, crypts, trueCrypts!),
    pixels: encodeRuns(found.runs),
    files: namesOf(names),
  };
}

/** Crypts come and go one by one; what stays are their rows, and they themselves if asked for. */
async function writeCrypts(
  id: string,
  found: Iterable<Crypt>,
  pixelSize: number | null,
  names: OutputNames,
  outDir: string,
  keep: boolean,
): Promise<{ count: number; crypts: Crypt[] }> {
  const rows: CryptRow[] = [], features: string[] = [], crypts: Crypt[] = [];
  for (const crypt of found) {
    rows.push(cryptRow(id, crypt, pixelSize));
    if (names.geojson) features.push(JSON.stringify(cryptFeature(crypt, { pixelSize })));
    if (keep) crypts.push(crypt);
  }
  await writeCsv(join(outDir, names.crypts), cryptTable(rows));
  if (names.geojson) await writeFeatures(join(outDir, names.geojson), features);
  return { count: rows.length, crypts };
}
