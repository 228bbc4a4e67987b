/** One image file of any size to its results on disk: mask, maps, crypts, encoding. */
import { join } from "node:path";
import {
  imageRegions,
  openRegions,
  probeImage,
  readRgb,
  type RegionSource,
  RowResizer,
  TiffStream,
} from "../image/mod.ts";
import { writeCsv } from "../tables/mod.ts";
import {
  type Crypt,
  cryptFeature,
  type CryptOptions,
  type CryptRow,
  cryptRow,
  cryptsOf,
  cryptsPerMm2,
  cryptTable,
} from "../crypts/mod.ts";
import { encodeRuns, RunCollector, writeFeatures } from "../annotation/mod.ts";
import { predictBands, type PredictOptions } from "./bands.ts";
import { cutProbability } from "./predict.ts";
import type { TilePredictor } from "./predictor.ts";
import { disagreement, predictiveEntropy } from "../evaluation/mod.ts";

/** Settings of {@link segmentFile}. */
export interface SegmentOptions extends Omit<PredictOptions, "deviations"> {
  /** Images are scaled by this before they are tiled, in (0, 1]; default 1. */
  scale?: number;
  /** Probabilities above it are crypt; default 0.5. */
  threshold?: number;
  /** What counts as a crypt, in pixels of the full image. The mask is not changed by it. */
  crypts?: CryptOptions;
  /** The folder in which the folders of results lie. */
  outDir: string;
  /** Writes `geojson/<id>.geojson`. */
  geojson?: boolean;
  /** Writes `probability/<id>.tiff`, 0 to 255. */
  probability?: boolean;
  /**
   * Writes `uncertainty/<id>_entropy.tiff` (255 is one bit) and `_disagreement.tiff` (255 is a
   * standard deviation of 0.5).
   */
  uncertainty?: boolean;
}

/** What {@link segmentFile} found and wrote. */
export interface Segmented {
  height: number;
  width: number;
  /** µm a pixel; null where it is unknown. */
  pixelSize: number | null;
  crypts: number;
  /** Crypts a mm² of image; null where the pixel size is unknown. */
  perMm2: number | null;
  /** Share of the image that is crypt. */
  cryptShare: number;
  tiles: number;
  /** Run-length encoding of the mask, as in `submission.csv`. */
  pixels: string;
  /** Paths below the folder of results. */
  files: string[];
}

/** Images up to this many pixels (after scaling) are read at once: faster than by regions. */
const AT_ONCE = 64e6;

/**
 * Segments an image file. Its pixels, its probabilities and its mask pass through memory in bands, so
 * that memory follows the image's width and the number of crypts; 40 000 x 40 000 pixels need less
 * than 4 GB. Every file appears whole or not at all.
 *
 * @param image `pixelSize` in µm where it is known; else the file's own is taken
 * @throws as `readRgb` of `lib/image/` and `predictImage` do
 */
export async function segmentFile(
  image: { id: string; path: string; pixelSize?: number | null },
  ensemble: readonly TilePredictor[],
  options: SegmentOptions,
): Promise<Segmented> {
  const header = await probeImage(image.path), { height, width } = header;
  const { scale = 1, threshold = 0.5, outDir } = options;
  const pixelSize = image.pixelSize ?? header.pixelSize;
  const source: RegionSource = height * width * scale ** 2 <= AT_ONCE
    ? imageRegions(await readRgb(image.path, { scale }))
    : await openRegions(image.path, { scale });
  const names = outputNames(image.id, options);
  const maps: Partial<Record<MapName, TiffStream>> = {};
  const runs = new RunCollector(width);
  let tiles = 0, cryptPixels = 0;
  try {
    for (const [name, path] of Object.entries(names.maps) as [MapName, string][]) {
      maps[name] = await TiffStream.create(join(outDir, path), { height, width, channels: 1 });
    }
    const resizer = () => new RowResizer(source.height, source.width, height, width);
    const probabilities = resizer(), models = resizer(), views = resizer();
    const bands = predictBands(source, ensemble, {
      ...options,
      deviations: options.uncertainty,
      onTile: (done, total) => {
        tiles = total;
        options.onTile?.(done, total);
      },
    });
    for await (const band of bands) {
      const probability = probabilities.push(band.probability);
      const mask = cutProbability(probability, threshold);
      runs.push(mask, probability);
      for (const value of mask) cryptPixels += value;
      await maps.mask?.push(mask.map((value) => value * 255));
      await maps.probability?.push(toBytes(probability, 1));
      if (options.uncertainty) {
        await maps.entropy?.push(toBytes(predictiveEntropy(probability), 1));
        // With one model or one view there is nothing to disagree with.
        const none = new Float32Array(band.probability.length);
        const spread = disagreement(
          models.push(band.modelDeviation ?? none),
          views.push(band.viewDeviation ?? none),
        );
        await maps.disagreement?.push(toBytes(spread, 0.5));
      }
    }
    for (const map of Object.values(maps)) await map.finish();
  } catch (error) {
    for (const map of Object.values(maps)) await map.abort();
    throw error;
  }
  const all = runs.finish();
  const count = await writeCrypts(
    image.id,
    cryptsOf(all, options.crypts),
    pixelSize,
    names,
    outDir,
  );
  return {
    height,
    width,
    pixelSize,
    crypts: count,
    perMm2: cryptsPerMm2(count, height * width, pixelSize),
    cryptShare: cryptPixels / (height * width),
    tiles,
    pixels: encodeRuns(all),
    files: [...Object.values(names.maps), names.crypts, ...names.geojson ? [names.geojson] : []],
  };
}

type MapName = "mask" | "probability" | "entropy" | "disagreement";

function outputNames(id: string, options: SegmentOptions) {
  const maps: Partial<Record<MapName, string>> = { mask: `masks/${id}.tiff` };
  if (options.probability) maps.probability = `probability/${id}.tiff`;
  if (options.uncertainty) {
    maps.entropy = `uncertainty/${id}_entropy.tiff`;
    maps.disagreement = `uncertainty/${id}_disagreement.tiff`;
  }
  return {
    maps,
    crypts: `crypts/${id}.csv`,
    geojson: options.geojson ? `geojson/${id}.geojson` : null,
  };
}

/** Crypts come and go one by one; what stays are their rows. */
async function writeCrypts(
  id: string,
  crypts: Iterable<Crypt>,
  pixelSize: number | null,
  names: ReturnType<typeof outputNames>,
  outDir: string,
): Promise<number> {
  const rows: CryptRow[] = [], features: string[] = [];
  for (const crypt of crypts) {
    rows.push(cryptRow(id, crypt, pixelSize));
    if (names.geojson) features.push(JSON.stringify(cryptFeature(crypt, { pixelSize })));
  }
  await writeCsv(join(outDir, names.crypts), cryptTable(rows));
  if (names.geojson) await writeFeatures(join(outDir, names.geojson), features);
  return rows.length;
}

function toBytes(values: Float32Array, highest: number): Uint8Array {
  const out = new Uint8Array(values.length), factor = 255 / highest;
  for (let i = 0; i < out.length; i++) out[i] = Math.min(255, Math.round(values[i] * factor));
  return out;
}
