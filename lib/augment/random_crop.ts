/** A crop at a random place, scale and angle. */
import type { Augmentation } from "./types.ts";
import { ends, type Range } from "./range.ts";
import type { Border } from "../image/mod.ts";
import { affineField, warp } from "./warp.ts";

/** The settings of {@link randomCrop}. */
export interface RandomCropOptions {
  /** Height and width of the crop in pixels. */
  side: number;
  /** By which factor the picture is enlarged at most, and shrunk at most, at least 1; default 1. */
  zoom?: number;
  /** Angle in degrees; default 0. */
  rotate?: Range;
  /** Default `"reflect-101"`. */
  border?: Border;
}

/**
 * Crops a square of `side` whatever the size of the sample: always applied. The factor is drawn evenly
 * on a logarithmic scale from 1/zoom to zoom; the centre evenly from all those for which the crop
 * (unturned) lies inside; along an axis on which the sample is too short the crop is centred and
 * mirrored. Image bilinear, mask nearest, in one interpolation; without zoom and turn pixels are copied.
 *
 * @throws {RangeError} when `side` is no positive integer or `zoom` is below 1
 */
export function randomCrop(options: RandomCropOptions): Augmentation {
  const { side, zoom = 1, border = "reflect-101" } = options;
  const rotate = ends(options.rotate ?? 0, "RandomCrop rotate");
  if (!(Number.isInteger(side) && side > 0)) {
    throw new RangeError(`RandomCrop side: expected a positive integer, got ${side}`);
  }
  if (!(zoom >= 1 && Number.isFinite(zoom))) {
    throw new RangeError(`RandomCrop zoom: expected at least 1, got ${zoom}`);
  }
  return {
    name: "RandomCrop",
    probability: 1,
    apply(sample, random) {
      const factor = Math.exp(random.uniform(-1, 1) * Math.log(zoom));
      const radians = random.uniform(...rotate) * Math.PI / 180;
      const extent = side / factor;
      // Whole pixels, so that a crop without zoom and turn is a copy.
      const first = (length: number) =>
        length >= extent
          ? Math.floor(random.next() * (length - extent + 1))
          : Math.round((length - extent) / 2);
      const top = first(sample.image.height), left = first(sample.image.width);
      const half = (side - 1) / 2,
        cos = Math.cos(radians) / factor,
        sin = Math.sin(radians) / factor;
      // The centre of the crop stays where it is; pixel centres are at whole numbers.
      const [cx, cy] = [left + (extent - 1) / 2, top + (extent - 1) / 2];
      const field = affineField(
        [
          ...[cos, -sin, cx - cos * half + sin * half],
          ...[sin, cos, cy - sin * half - cos * half],
        ] as Parameters<typeof affineField>[0],
      );
      return warp(sample, field, border, { height: side, width: side });
    },
  };
}
