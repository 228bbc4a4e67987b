/** Truth and prediction drawn on the image, whole and tile by tile. */
import { join } from "node:path";
import { type Colour, drawContours } from "../../annotation/mod.ts";
import {
  crop,
  cropMask,
  type LabelMask,
  type Mask,
  type RgbImage,
  writeRgb,
} from "../../image/mod.ts";
import { panels } from "./panels.ts";
import { tilePositions } from "../../stitching/mod.ts";

/**
 * The annotation's colour, orange, dashed where both are in one picture. Orange and blue are told apart by all kinds of colour
 * vision, on pink and violet tissue and in print; red and green, the original's, are not.
 */
export const TRUTH_COLOUR: Colour = [255, 150, 0];
/** The prediction's colour, blue, drawn solid. */
export const PREDICTION_COLOUR: Colour = [0, 80, 255];

/** How overlays are drawn. */
export interface OverlayOptions {
  /** Above the panels; default "Ground truth" and "Prediction". */
  titles?: readonly [truth: string, predicted: string];
  /** Of the contours in pixels; default 3. */
  lineWidth?: number;
}

/**
 * The original's overlay: ground truth on the left, prediction on the right. Without ground truth
 * the left panel is the image alone.
 *
 * @throws {RangeError} when image and masks differ in size
 */
export async function overlayPanels(
  image: RgbImage,
  truth: Mask | LabelMask | null,
  predicted: Mask | LabelMask,
  options: OverlayOptions = {},
): Promise<RgbImage> {
  const { lineWidth = 3 } = options;
  const [left, right] = options.titles ?? [truth ? "Ground truth" : "Image", "Prediction"];
  return await panels([
    {
      image: truth ? drawContours(image, truth, TRUTH_COLOUR, { width: lineWidth }) : image,
      title: left,
    },
    {
      image: drawContours(image, predicted, PREDICTION_COLOUR, { width: lineWidth }),
      title: right,
    },
  ]);
}

/**
 * Both contours on one image: the prediction a solid line, the truth dashed above it, so that both
 * can be seen where they agree.
 *
 * @throws {RangeError} when image and masks differ in size
 */
export function overlayBoth(
  image: RgbImage,
  truth: Mask | LabelMask,
  predicted: Mask | LabelMask,
  options: { lineWidth?: number } = {},
): RgbImage {
  const { lineWidth = 3 } = options;
  const below = drawContours(image, predicted, PREDICTION_COLOUR, { width: lineWidth });
  return drawContours(below, truth, TRUTH_COLOUR, { width: lineWidth, dash: 4 * lineWidth });
}

/** Settings of {@link writeTileOverlays}. */
export interface TileOverlayOptions extends OverlayOptions {
  /** Side of the tiles in pixels of the image. */
  tile: number;
  outDir: string;
  /** JPEG quality; default 92. */
  quality?: number;
}

/**
 * Writes `<outDir>/<image>_<n>.jpg` for every tile that holds crypt (in the ground truth; without one,
 * in the prediction): {@link overlayPanels} of the tile. `n` counts all tiles row-major from 0; the
 * last tiles of a row and of the image are cut at its border.
 *
 * @returns the paths written
 * @throws {RangeError} when image and masks differ in size
 * @throws {Error} naming a file that cannot be written
 */
export async function writeTileOverlays(
  record: { id: string },
  image: RgbImage,
  truth: Mask | null,
  predicted: Mask,
  options: TileOverlayOptions,
): Promise<string[]> {
  const { tile, outDir, quality } = options, deciding = truth ?? predicted;
  const paths: string[] = [];
  for (const [n, { row, column }] of tilePositions(image.height, image.width, tile).entries()) {
    const height = Math.min(tile, image.height - row), width = Math.min(tile, image.width - column);
    const part = (mask: Mask) => cropMask(mask, row, column, height, width);
    if (!part(deciding).data.some((value) => value !== 0)) continue;
    const overlay = await overlayPanels(
      crop(image, row, column, height, width),
      truth && part(truth),
      part(predicted),
      options,
    );
    const path = join(outDir, `${record.id}_${n}.jpg`);
    await writeRgb(path, overlay, { quality });
    paths.push(path);
  }
  return paths;
}
