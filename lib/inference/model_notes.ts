/** What a model file says of itself that inference goes by. */
import { type Decision, TRAINING_KEY } from "../training/mod.ts";
import type { StainRange, TrustReference } from "./trust.ts";

/** From the metadata `crypts.training`; null where a file does not say it. */
export interface ModelNotes {
  /** The factor by which images were resized before training. */
  scale: number | null;
  /** Side of the patches in training. */
  tile: number | null;
  /** µm per pixel of the images as they were trained on, after scaling. */
  pixelSize: number | null;
  /** What it knows: by this an image's figures of trust are judged. */
  reference: TrustReference;
  /** How its probabilities become crypts, as chosen on validation images. */
  decision: Decision;
  /** What the model is, what it was validated on, what it may be used for: lines for a reader. */
  about: string[];
}

/**
 * Reads the notes of a model.
 *
 * @param path for messages
 * @throws {RangeError} naming the file and a note that is no such value
 */
export function readModelNotes(
  path: string,
  metadata: Readonly<Record<string, string>>,
): ModelNotes {
  const info = readJson(path, metadata, TRAINING_KEY) ?? {};
  const number = (name: string, value: unknown): number | null => {
    if (value === undefined || value === null) return null;
    if (typeof value === "number" && value > 0 && value < Infinity) return value;
    throw new RangeError(
      `model ${path}: ${name} must be a number > 0, got ${JSON.stringify(value)}`,
    );
  };
  const patch = Array.isArray(info.patchSize) ? info.patchSize[0] : null;
  return {
    scale: number("scale", info.scale),
    tile: number("patchSize", patch),
    pixelSize: number("pixelSize", info.pixelSize),
    reference: { stain: readRange(info.stain), diceLimit: number("diceLimit", info.diceLimit) },
    decision: readDecision(path, info.decision),
    about: aboutOf(info, metadata),
  };
}

/**
 * An entry of a file's metadata that is a JSON object; null where there is none.
 *
 * @throws {RangeError} naming the file and the entry when it is something else
 */
export function readJson(
  path: string,
  metadata: Readonly<Record<string, string>>,
  key: string,
): Record<string, unknown> | null {
  if (!metadata[key]) return null;
  let value: unknown;
  try {
    value = JSON.parse(metadata[key]);
  } catch {
    value = null;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new RangeError(`model ${path}: its metadata "${key}" are no JSON object`);
}

/**
 * What has to be assumed because neither the models nor the user say it, in one sentence; null where
 * nothing has to be.
 *
 * @param asked what the user says
 * @param tile the side of tiles that is taken
 */
export function assumptions(
  { scale, pixelSize, tile, decision }: Pick<
    ModelNotes,
    "scale" | "pixelSize" | "tile" | "decision"
  >,
  asked: { scale?: number; tile: number | null; threshold?: number },
  taken: { tile: number },
): string | null {
  const unknown: string[] = [], assumed: string[] = [];
  if (scale === null && pixelSize === null && asked.scale === undefined) {
    unknown.push("scale", "µm per pixel");
    assumed.push("images are not resized (--scale)");
  }
  if (tile === null && asked.tile === null) {
    unknown.push("tile");
    assumed.push(`tiles of ${taken.tile} px (--tile)`);
  }
  if (decision.threshold === undefined && asked.threshold === undefined) {
    unknown.push("decision");
    assumed.push("crypt above 0.5 (--threshold)");
  }
  if (unknown.length === 0) return null;
  return `of their training the models do not say: ${unknown.join(", ")}; assumed: ` +
    assumed.join(", ");
}

function readDecision(path: string, value: unknown): Decision {
  if (value === undefined || value === null) return {};
  const decision: Decision = {};
  const limits = { threshold: 1, interior: 1, minProbability: 1, minAreaUm2: Infinity };
  for (const key of ["threshold", "interior", "minProbability", "minAreaUm2"] as const) {
    const found = (value as Record<string, unknown>)[key];
    if (found === undefined) continue;
    if (!(typeof found === "number" && found >= 0 && found <= limits[key])) {
      throw new RangeError(
        `model ${path}: decision.${key} must be a number from 0 to ${limits[key]}, ` +
          `got ${JSON.stringify(found)}`,
      );
    }
    decision[key] = found;
  }
  return decision;
}

function readRange(stain: unknown): StainRange | null {
  if (typeof stain !== "object" || stain === null) return null;
  const { mean, deviation } = stain as { mean?: unknown; deviation?: unknown };
  const three = (values: unknown): [number, number, number] | null =>
    Array.isArray(values) && values.length === 3 && values.every(Number.isFinite)
      ? [values[0], values[1], values[2]]
      : null;
  const [m, d] = [three(mean), three(deviation)];
  return m && d ? { mean: m, deviation: d } : null;
}

/** Notes that are text, in the file's order: `about`, `validatedOn`, `licence`, `use`. */
function aboutOf(
  info: Record<string, unknown>,
  metadata: Readonly<Record<string, string>>,
): string[] {
  const texts: [string, unknown][] = [
    ["what it is", info.about ?? metadata.about],
    ["validated on", info.validatedOn ?? metadata.validatedOn],
    ["licence", info.licence ?? metadata.licence],
    ["use", info.use ?? metadata.use],
  ];
  return texts.flatMap(([name, text]) => typeof text === "string" ? [`${name}: ${text}`] : []);
}
