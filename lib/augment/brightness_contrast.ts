/** Brightness and contrast. */
import type { RgbImage } from "../image/mod.ts";
import { imageOnly, lookUp } from "./image_only.ts";
import { ends, type Range } from "./range.ts";
import type { Augmentation } from "./types.ts";

/** The ranges of {@link randomBrightnessContrast}. */
export interface BrightnessContrastOptions {
  /** What is added, as a share of 255; default ±0.2. */
  brightness?: Range;
  /** Factor minus one; default ±0.2. */
  contrast?: Range;
  /** Default 0.5. */
  probability?: number;
}

/** `RandomBrightnessContrast` of albumentations 1.1, with `brightness_by_max`. */
export function randomBrightnessContrast(options: BrightnessContrastOptions = {}): Augmentation {
  const brightness = ends(options.brightness ?? 0.2, "RandomBrightnessContrast brightness");
  const contrast = ends(options.contrast ?? 0.2, "RandomBrightnessContrast contrast");
  return imageOnly("RandomBrightnessContrast", options.probability ?? 0.5, (image, random) => {
    const alpha = 1 + random.uniform(...contrast);
    return adjusted(image, alpha, random.uniform(...brightness));
  });
}

/** `value · alpha + beta · 255`, cut to 0..255, its fraction dropped. */
export function adjusted(image: RgbImage, alpha: number, beta: number): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, value) => {
    // In float32, as there: 1.1 times 50 must not fall below 55.
    const scaled = Math.fround(Math.fround(value * Math.fround(alpha)) + Math.fround(beta * 255));
    return Math.min(Math.max(scaled, 0), 255);
  });
  return lookUp(image, table);
}
