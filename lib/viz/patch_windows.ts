/** The windows of an image, tinted by what became of them. */
import type { RgbImage } from "../image/mod.ts";

/** A window and its fate; `PatchSummary` of `lib/patching/prepare.ts` is one. */
export interface JudgedWindow {
  /** Top-left corner in pixels of the image. */
  row: number;
  column: number;
  reason: "crypt" | "tissue" | "dark" | "bright";
}

/** Tints: crypt green, background blue, glass (bright) orange, artefact (dark) red. */
export const WINDOW_COLOURS: Readonly<Record<JudgedWindow["reason"], [number, number, number]>> = {
  crypt: [0, 158, 115],
  tissue: [86, 180, 233],
  bright: [230, 159, 0],
  dark: [213, 50, 0],
};

/**
 * Draws a tinted square at the middle of every window; neighbouring windows may overlap, their
 * middles do not.
 *
 * @param side of a window in pixels
 * @param cell side of the drawn square; default: the smallest distance between two windows
 * @returns a new image of the same size
 * @throws {RangeError} when `side` is not positive
 */
export function drawWindows(
  image: RgbImage,
  windows: readonly JudgedWindow[],
  side: number,
  cell = smallestStep(windows, side),
): RgbImage {
  if (!(side > 0)) throw new RangeError(`side must be > 0, got ${side}`);
  const data = Uint8Array.from(image.data);
  const inset = Math.max(1, Math.round(cell * 0.04));
  for (const { row, column, reason } of windows) {
    const top = row + (side - cell) / 2 + inset;
    const left = column + (side - cell) / 2 + inset;
    const bottom = Math.min(image.height, top + cell - 2 * inset);
    const right = Math.min(image.width, left + cell - 2 * inset);
    const colour = WINDOW_COLOURS[reason];
    for (let y = Math.max(0, Math.round(top)); y < bottom; y++) {
      for (let x = Math.max(0, Math.round(left)); x < right; x++) {
        const at = (y * image.width + x) * 3;
        for (let c = 0; c < 3; c++) data[at + c] = 0.55 * data[at + c] + 0.45 * colour[c];
      }
    }
  }
  return { ...image, data };
}

function smallestStep(windows: readonly JudgedWindow[], side: number): number {
  const rows = [...new Set(windows.map((w) => w.row))].sort((a, b) => a - b);
  const columns = [...new Set(windows.map((w) => w.column))].sort((a, b) => a - b);
  const steps = [rows, columns].flatMap((values) => values.slice(1).map((v, i) => v - values[i]));
  return steps.length > 0 ? Math.min(side, ...steps) : side;
}
