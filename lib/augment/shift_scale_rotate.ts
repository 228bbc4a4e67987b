/** Shift, scale and rotation in one step. */
import { ends, type Range } from "./range.ts";
import type { Augmentation } from "./types.ts";
import type { Border } from "../image/mod.ts";
import { affineField, type Field, warping } from "./warp.ts";

/** The ranges of {@link shiftScaleRotate}. */
export interface ShiftScaleRotateOptions {
  /** Shift, as a share of width and of height, drawn for each; default ±0.0625. */
  shift?: Range;
  /** Scale minus one; default ±0.1. */
  scale?: Range;
  /** Degrees, counter-clockwise; default ±45. */
  rotate?: Range;
  /** Default `reflect-101`. */
  border?: Border;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `ShiftScaleRotate` of albumentations 1.1: rotates and scales about (width/2, height/2), then
 * shifts.
 *
 * @throws {RangeError} for a range in the wrong order or one that lets the scale fall to 0
 */
export function shiftScaleRotate(options: ShiftScaleRotateOptions = {}): Augmentation {
  const { border = "reflect-101", probability = 0.5 } = options;
  const shift = ends(options.shift ?? 0.0625, "ShiftScaleRotate shift");
  const scale = ends(options.scale ?? 0.1, "ShiftScaleRotate scale");
  const rotate = ends(options.rotate ?? 45, "ShiftScaleRotate rotate");
  if (scale[0] <= -1) {
    throw new RangeError(`ShiftScaleRotate scale: expected above -1, got ${scale[0]}`);
  }
  return warping("ShiftScaleRotate", probability, (height, width, random) => {
    const angle = random.uniform(...rotate), factor = 1 + random.uniform(...scale);
    const dx = random.uniform(...shift), dy = random.uniform(...shift);
    return shiftScaleRotateField(height, width, angle, factor, dx, dy);
  }, border);
}

/**
 * The field for fixed parameters: the inverse of OpenCV's `getRotationMatrix2D` with the shift
 * added.
 *
 * @param angle degrees, counter-clockwise
 * @param scale above 1 enlarges
 * @param dx share of the width that the picture moves to the right
 * @param dy share of the height that it moves down
 */
export function shiftScaleRotateField(
  height: number,
  width: number,
  angle: number,
  scale: number,
  dx: number,
  dy: number,
): Field {
  const [cx, cy] = [width / 2, height / 2], radians = angle * Math.PI / 180;
  const cos = Math.cos(radians) / scale, sin = Math.sin(radians) / scale;
  const [tx, ty] = [cx + dx * width, cy + dy * height];
  return affineField(
    [
      ...[cos, -sin, cx - cos * tx + sin * ty],
      ...[sin, cos, cy - sin * tx - cos * ty],
    ] as Parameters<typeof affineField>[0],
  );
}
