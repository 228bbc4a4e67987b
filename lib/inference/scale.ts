/** By which factor an image is resized before models see it: from µm where they are known. */

import { implausible, nonSquare, type PixelSizes } from "../image/mod.ts";

/** What is known of the size that the models want. */
export interface ScaleOptions {
  /** The factor itself, whatever the pixel sizes say; in (0, 4]. */
  scale?: number;
  /** µm per pixel of the images that the models were trained on (after scaling); null: not known. */
  modelPixelSize?: number | null;
  /** The factor by which training resized its images; the guess where pixel sizes are unknown. */
  modelScale?: number | null;
}

/** Factors out of this range are taken for wrong pixel sizes. */
const SMALLEST = 0.01, LARGEST = 4;

/** A factor this near to 1 changes nothing but the sharpness. */
const SAME = 0.02;

/**
 * Chooses the factor: the one asked for, that between the pixel sizes, else that of the training.
 *
 * @param name of the image, for messages
 * @param pixelSize µm per pixel of the full image
 * @returns the factor, a line that explains it, and whether it is a guess that needs a look
 * @throws {RangeError} when the factor is out of range, naming the image and what to do
 * @example
 * ```ts
 * // An image of 0.25 µm per pixel for a model of 1 µm per pixel is a quarter as high and wide.
 * chooseScale("a.tiff", 0.25, { modelPixelSize: 1 }).scale; // 0.25
 * ```
 */
export function chooseScale(
  name: string,
  pixelSize: number | null,
  { scale, modelPixelSize = null, modelScale = null }: ScaleOptions,
): { scale: number; text: string; guessed: boolean } {
  if (scale !== undefined) {
    if (!(scale >= SMALLEST && scale <= LARGEST)) {
      throw new RangeError(`scale must be in [${SMALLEST}, ${LARGEST}], got ${scale}`);
    }
    return { scale, text: `${name}: resized by ${round(scale)}, as asked`, guessed: false };
  }
  if (modelPixelSize !== null && pixelSize !== null) {
    const factor = pixelSize / modelPixelSize;
    if (!(factor >= SMALLEST && factor <= LARGEST)) {
      throw new RangeError(
        `${name} has ${round(pixelSize)} µm per pixel, the models were trained at ` +
          `${round(modelPixelSize)}: check --pixel-size, or give --scale`,
      );
    }
    const close = Math.abs(factor - 1) < SAME;
    const sizes = `${round(pixelSize)} µm per pixel, trained at ${round(modelPixelSize)}`;
    return {
      scale: close ? 1 : factor,
      text: `${name}: ${sizes}, ${close ? "not resized" : `resized by ${round(factor)}`}`,
      guessed: false,
    };
  }
  const factor = modelScale ?? 1;
  const unknown = pixelSize === null && modelPixelSize !== null;
  const how = modelScale === null
    ? "not resized, as the models say no scale of their training"
    : factor === 1
    ? "not resized, as in training"
    : `resized by ${round(factor)} as in training`;
  const reason = unknown
    ? `µm per pixel unknown, ${how}; --pixel-size says it`
    : modelScale === null
    ? `${how}; --scale says it`
    : how;
  return { scale: factor, text: `${name}: ${reason}`, guessed: unknown };
}

/** Two pixel sizes that differ by no more than this are one, rounded. */
const ROUNDED = 0.02;

/**
 * What a reader of the results should know of an image's pixel size.
 *
 * @param said µm per pixel by option or table, which wins; null where they say nothing
 * @param stated what the file states
 * @returns sentences without a full stop; empty where nothing is unusual
 */
export function sizeConcerns(
  said: number | null,
  stated: PixelSizes | null,
  { scale, guessed }: { scale: number; guessed: boolean },
): string[] {
  const size = said ?? stated?.x ?? null;
  if (size === null) {
    const then = guessed
      ? scale === 1 ? "not resized" : `resized by ${round(scale)} as in training`
      : "sizes are in pixels";
    return [`the µm per pixel are unknown: ${then}`];
  }
  const odd = implausible(size), oblong = nonSquare(stated), concerns: string[] = [];
  if (odd) concerns.push(`the pixel size is implausible: ${odd}`);
  if (said === null || stated === null) return concerns;
  if (oblong || Math.abs(stated.x / said - 1) > ROUNDED) {
    const file = oblong ?? `${round(stated.x)} µm`;
    concerns.push(`the file states ${file} per pixel, ${round(said)} µm were given and are taken`);
  }
  return concerns;
}

const round = (value: number) => String(Number(value.toPrecision(3)));
