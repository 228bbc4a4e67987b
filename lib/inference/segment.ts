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
import {
  disagreement,
  type ImageScores,
  predictiveEntropy,
  scoreCrypts,
} from "../evaluation/mod.ts";
import { readLabels, SlideWriter } from "../image/mod.ts";
import { writeCsv } from "../tables/mod.ts";
import { writeLabelFile } from "./label_file.ts";
import { openImage, type OpenOptions } from "./open_image.ts";
import { writeOverlay } from "./overlay_file.ts";
import { type SegmentedBand, segmentImage } from "./pipeline.ts";
import type { TilePredictor } from "./predictor.ts";
import type { SegmentSettings } from "./settings.ts";
import { type Trust, type TrustReference, warningOf } from "./trust.ts";

/** Settings of {@link segmentFile}. */
export interface SegmentOptions
  extends Omit<SegmentSettings, "deviations">, Omit<OpenOptions, "pixelSize"> {
  /** The folder in which the folders of results lie. */
  outDir: string;
  /** Writes `geojson/<id>.geojson`. */
  geojson?: boolean;
  /** Writes `labels/<id>.tiff`: one value per crypt. */
  labels?: boolean;
  /** Writes `overlays/<id>.jpg`: the outlines of prediction (blue) and truth (dashed orange). */
  overlay?: boolean;
  /** Writes `probability/<id>.tiff`, 0 to 255. */
  probability?: boolean;
  /**
   * Writes `uncertainty/<id>_entropy.tiff` (255 is one bit) and `_disagreement.tiff` (255 is a
   * standard deviation of 0.5).
   */
  uncertainty?: boolean;
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
      image.concerns,
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

type MapName = "mask" | "probability" | "entropy" | "disagreement";

/** The maps of an image, written band by band. */
class MapFiles {
  private readonly writers: Partial<Record<MapName, SlideWriter>> = {};

  constructor(
    private readonly names: Partial<Record<MapName, string>>,
    private readonly outDir: string,
  ) {}

  async open(size: { height: number; width: number; pixelSize: number | null }): Promise<void> {
    const { height, width, pixelSize } = size;
    for (const [name, path] of Object.entries(this.names) as [MapName, string][]) {
      const layout = { height, width, pixelSize };
      this.writers[name] = await SlideWriter.create(join(this.outDir, path), layout);
    }
  }

  async push(band: SegmentedBand): Promise<void> {
    const { probability, classes, modelDeviation, viewDeviation } = band;
    const { mask, entropy, disagreement: spread } = this.writers;
    await mask?.push(classes.map((value) => value === 0 ? 0 : 255));
    await this.writers.probability?.push(toBytes(probability, 1));
    await entropy?.push(toBytes(predictiveEntropy(probability), 1));
    if (!spread) return;
    // With one model or one view there is nothing to disagree with.
    const none = new Float32Array(probability.length);
    await spread.push(
      toBytes(disagreement(modelDeviation ?? none, viewDeviation ?? none), 0.5),
    );
  }

  async finish(): Promise<void> {
    for (const writer of Object.values(this.writers)) await writer.finish();
  }

  async abort(): Promise<void> {
    for (const writer of Object.values(this.writers)) await writer.abort();
  }
}

/** The folders below the folder of results. */
export function outputFolders(): string[] {
  return [...new Set(outputNamesOf("x").map((name) => name.slice(0, name.indexOf("/"))))];
}

/** Every file that any settings can make of an image, below the folder of results. */
export function outputNamesOf(id: string): string[] {
  const all = { geojson: true, labels: true, overlay: true, probability: true, uncertainty: true };
  return namesOf(outputNames(id, all));
}

interface OutputNames {
  maps: Partial<Record<MapName, string>>;
  crypts: string;
  geojson: string | null;
  labels: string | null;
  overlay: string | null;
}

type Outputs = Pick<
  SegmentOptions,
  "geojson" | "labels" | "overlay" | "probability" | "uncertainty"
>;

function outputNames(id: string, options: Outputs): OutputNames {
  const maps: OutputNames["maps"] = { mask: `masks/${id}.tiff` };
  if (options.probability) maps.probability = `probability/${id}.tiff`;
  if (options.uncertainty) {
    maps.entropy = `uncertainty/${id}_entropy.tiff`;
    maps.disagreement = `uncertainty/${id}_disagreement.tiff`;
  }
  return {
    maps,
    crypts: `crypts/${id}.csv`,
    geojson: options.geojson ? `geojson/${id}.geojson` : null,
    labels: options.labels ? `labels/${id}.tiff` : null,
    overlay: options.overlay ? `overlays/${id}.jpg` : null,
  };
}

function namesOf({ maps, crypts, geojson, labels, overlay }: OutputNames): string[] {
  return [...Object.values(maps), crypts, geojson, labels, overlay].filter((name) => name !== null);
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

function toBytes(values: Float32Array, highest: number): Uint8Array {
  const out = new Uint8Array(values.length), factor = 255 / highest;
  for (let i = 0; i < out.length; i++) out[i] = Math.min(255, Math.round(values[i] * factor));
  return out;
}
