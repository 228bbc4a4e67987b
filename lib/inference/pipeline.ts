/**
 * The one pipeline: an opened image becomes probabilities, masks, crypts, and what says whether they
 * can be trusted. `predictImage`, `predictDataset` and `segmentFile` are thin wrappers of it.
 */
import { RunCollector, type RunMask } from "../annotation/mod.ts";
import { type Crypt, cryptsOf } from "../crypts/mod.ts";
import { type Mask, RowResizer } from "../image/mod.ts";
import { type Band, predictBands } from "./bands.ts";
import type { OpenedImage } from "./open_image.ts";
import type { TilePredictor } from "./predictor.ts";
import { checkSettings, cryptOptions, type SegmentSettings } from "./settings.ts";
import { type Trust, TrustCollector, type TrustReference } from "./trust.ts";

/** Classes of {@link SegmentedBand.classes}. */
export const BACKGROUND = 0, INTERIOR = 1, BOUNDARY = 2;

/** Finished rows of an image at its full size, one value per pixel. */
export interface SegmentedBand {
  top: number;
  height: number;
  /** Of crypt, in [0, 1]. */
  probability: Float32Array;
  /** Of the crypt's boundary; null for models without. */
  boundary: Float32Array | null;
  /** 0 background, 1 crypt, 2 crypt near its boundary (boundary models only). */
  classes: Uint8Array;
  /** Standard deviations of crypt between models, and between views; null unless asked for. */
  modelDeviation: Float32Array | null;
  viewDeviation: Float32Array | null;
}

/** What became of an image. Everything is in memory as runs, so slides fit. */
export interface Segmentation {
  height: number;
  width: number;
  pixelSize: number | null;
  /** The mask as runs. */
  runs: RunMask;
  /** Windows in all, and those that were glass. */
  windows: number;
  glassWindows: number;
  cryptPixels: number;
  trust: Trust;
  /** The crypts, found anew at each call, one at a time. */
  crypts(): Generator<Crypt>;
  /** The mask as pixels, 0/1: `height * width` bytes. */
  mask(): Mask;
}

/** What {@link segmentImage} does on the way. */
export interface SegmentHooks {
  /** Called with each finished band, from top to bottom; its arrays may be kept. */
  onBand?: (band: SegmentedBand) => void | Promise<void>;
  /** What the models' training images looked like, for {@link Trust}. */
  reference?: TrustReference | null;
}

/**
 * Segments an opened image, window row by window row.
 *
 * @throws {RangeError} for settings out of range, an ensemble that does not fit together, or a model
 *   that answers with something else than numbers
 * @throws the signal's reason when aborted
 */
export async function segmentImage(
  image: OpenedImage,
  ensemble: readonly TilePredictor[],
  settings: SegmentSettings,
  hooks: SegmentHooks = {},
): Promise<Segmentation> {
  checkSettings(settings);
  const { source, height, width, pixelSize } = image;
  const options = cryptOptions(settings.crypts, pixelSize);
  const runs = new RunCollector(width), interior = new RunCollector(width);
  const trust = new TrustCollector(hooks.reference ?? null, settings.threshold);
  const enlarge = new BandResizer(image, settings.threshold, settings.interior);
  let windows = 0, glassWindows = 0, cryptPixels = 0, bounded = false;
  for await (const band of predictBands(source, ensemble, settings)) {
    windows += band.windows;
    glassWindows += band.glass;
    const full = enlarge.push(band);
    trust.push(band.image, full.probability);
    runs.push(full.classes, full.probability);
    if (full.boundary) {
      bounded = true;
      interior.push(full.classes.map((value) => value === INTERIOR ? 1 : 0));
    }
    for (const value of full.classes) if (value !== BACKGROUND) cryptPixels++;
    await hooks.onBand?.(full);
  }
  const mask = runs.finish(), inner = bounded ? interior.finish() : null;
  return {
    ...{ height, width, pixelSize, runs: mask, windows, glassWindows, cryptPixels },
    trust: trust.result(),
    crypts: () => cryptsOf(mask, options, inner),
    mask: () => ({ data: drawRuns(mask), height, width }),
  };
}

/** Bands of the scaled image to bands of the full one. */
class BandResizer {
  private readonly resizers: RowResizer[];
  private top = 0;

  constructor(
    private readonly image: OpenedImage,
    private readonly threshold = 0.5,
    private readonly interior = 0,
  ) {
    const { source, height, width } = image;
    this.resizers = Array.from(
      { length: 4 },
      () => new RowResizer(source.height, source.width, height, width),
    );
  }

  push(band: Band): SegmentedBand {
    const [first, second, models, views] = this.resizers;
    const probability = this.resize(first, band.probability)!;
    const boundary = this.resize(second, band.boundary);
    const height = probability.length / this.image.width, top = this.top;
    this.top += height;
    return {
      top,
      height,
      probability,
      boundary,
      classes: classesOf(probability, boundary, this.threshold, this.interior),
      modelDeviation: this.resize(models, band.modelDeviation),
      viewDeviation: this.resize(views, band.viewDeviation),
    };
  }

  private resize(resizer: RowResizer, rows: Float32Array | null): Float32Array | null {
    const { source, height, width } = this.image;
    if (rows === null || (source.height === height && source.width === width)) return rows;
    return resizer.push(rows);
  }
}

/**
 * Classes from probabilities: background up to the threshold; above it interior where the interior
 * (what the boundary leaves of the crypt's probability) is likelier than the boundary by at least
 * `interior`, else boundary. Without a boundary all crypt is interior.
 */
export function classesOf(
  probability: Float32Array,
  boundary: Float32Array | null,
  threshold = 0.5,
  interior = 0,
): Uint8Array {
  const classes = new Uint8Array(probability.length);
  for (let i = 0; i < classes.length; i++) {
    if (!(probability[i] > threshold)) continue;
    classes[i] = boundary && probability[i] - 2 * boundary[i] < interior ? BOUNDARY : INTERIOR;
  }
  return classes;
}

function drawRuns({ height, width, rowStart, start, end }: RunMask): Uint8Array {
  const data = new Uint8Array(height * width);
  for (let y = 0; y < height; y++) {
    for (let i = rowStart[y]; i < rowStart[y + 1]; i++) {
      data.fill(1, y * width + start[i], y * width + end[i]);
    }
  }
  return data;
}
