/** The files of an image's results: which there are, their names, and the maps written band by band. */
import { join } from "node:path";
import { disagreement, predictiveEntropy } from "../evaluation/mod.ts";
import { SlideWriter } from "../image/mod.ts";
import type { SegmentedBand } from "./pipeline.ts";

/** Which files are written beside the mask and the table of crypts. */
export interface OutputChoice {
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
}

type MapName = "mask" | "probability" | "entropy" | "disagreement";

/** The maps of an image, written band by band. */
export class MapFiles {
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

/** Paths below the folder of results; null for what is not written. */
export interface OutputNames {
  maps: Partial<Record<MapName, string>>;
  crypts: string;
  geojson: string | null;
  labels: string | null;
  overlay: string | null;
}

/** What is written of an image. */
export function outputNames(id: string, options: OutputChoice): OutputNames {
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

/** Every path of {@link OutputNames}. */
export function namesOf({ maps, crypts, geojson, labels, overlay }: OutputNames): string[] {
  return [...Object.values(maps), crypts, geojson, labels, overlay].filter((name) => name !== null);
}

function toBytes(values: Float32Array, highest: number): Uint8Array {
  const out = new Uint8Array(values.length), factor = 255 / highest;
  for (let i = 0; i < out.length; i++) out[i] = Math.min(255, Math.round(values[i] * factor));
  return out;
}
