/** Barrel and pincushion distortion. */
import { ends, type Range } from "./range.ts";
import type { Augmentation } from "./types.ts";
import { type Field, warping } from "./warp.ts";

/** The ranges of {@link opticalDistortion}. */
export interface OpticalDistortionOptions {
  /** Both radial coefficients k1 = k2 of the lens; default ±0.05. */
  distort?: Range;
  /** Default 0.5. */
  probability?: number;
}

/**
 * `OpticalDistortion` of albumentations 1.1: a lens whose focal length is the size of the picture.
 * Two differences: albumentations draws a shift of the centre from ±0.05 px and rounds it, which is
 * always 0, so there is none here; and its centres (size/2 in the distorted, (size - 1)/2 in the
 * straight picture) lie half a pixel apart, here both are the middle of the picture, so that k = 0
 * changes nothing.
 */
export function opticalDistortion(options: OpticalDistortionOptions = {}): Augmentation {
  const distort = ends(options.distort ?? 0.05, "OpticalDistortion distort");
  return warping(
    "OpticalDistortion",
    options.probability ?? 0.5,
    (height, width, random) => opticalField(height, width, random.uniform(...distort)),
  );
}

/** The field for one k, as OpenCV's `initUndistortRectifyMap` with coefficients (k, k, 0, 0). */
export function opticalField(height: number, width: number, k: number): Field {
  const cx = (width - 1) / 2, cy = (height - 1) / 2;
  return (row, x, y) => {
    const v = (row - cy) / height;
    for (let column = 0; column < width; column++) {
      const u = (column - cx) / width, r2 = u * u + v * v;
      const factor = 1 + r2 * k * (1 + r2);
      x[column] = cx + width * u * factor;
      y[column] = cy + height * v * factor;
    }
  };
}
