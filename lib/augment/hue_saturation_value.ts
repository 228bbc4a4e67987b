/** Shifts of hue, saturation and value. */
import type { RgbImage } from "../image/mod.ts";
import { imageOnly } from "./image_only.ts";
import { ends, type Range } from "./range.ts";
import type { Augmentation } from "./types.ts";

/** The ranges of {@link hueSaturationValue}. */
export interface HueSaturationValueOptions {
  /** In OpenCV's half degrees (180 are the circle); default ±20. */
  hue?: Range;
  /** In levels of 255; default ±30. */
  saturation?: Range;
  /** In levels of 255; default ±20. */
  value?: Range;
  /** Default 0.5. */
  probability?: number;
}

/** `HueSaturationValue` of albumentations 1.1. */
export function hueSaturationValue(options: HueSaturationValueOptions = {}): Augmentation {
  const hue = ends(options.hue ?? 20, "HueSaturationValue hue");
  const saturation = ends(options.saturation ?? 30, "HueSaturationValue saturation");
  const value = ends(options.value ?? 20, "HueSaturationValue value");
  return imageOnly("HueSaturationValue", options.probability ?? 0.5, (image, random) => {
    const [h, s] = [random.uniform(...hue), random.uniform(...saturation)];
    return hsvShifted(image, h, s, random.uniform(...value));
  });
}

/** Reciprocals in 4096ths, as in OpenCV's integer conversion of bytes: of saturation and of hue. */
const SATURATION = Int32Array.from({ length: 256 }, (_, i) => i && Math.round((255 << 12) / i));
const HUE = Int32Array.from({ length: 256 }, (_, i) => i && Math.round((180 << 12) / (6 * i)));

/**
 * The image with hue (half degrees), saturation and value (levels) shifted. To HSV and back as
 * OpenCV does it for bytes: in integers there, in floating point back.
 */
export function hsvShifted(
  image: RgbImage,
  hue: number,
  saturation: number,
  value: number,
): RgbImage {
  if (hue === 0 && saturation === 0 && value === 0) return image;
  const { data, height, width } = image, out = new Uint8Array(data.length);
  const hues = shifted(hue, (h) => ((h % 180) + 180) % 180);
  const cut = (level: number) => Math.min(Math.max(level, 0), 255);
  const saturations = shifted(saturation, cut), values = shifted(value, cut);
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i], g = data[i + 1], b = data[i + 2];
    const most = r > g ? (r > b ? r : b) : g > b ? g : b;
    const least = r < g ? (r < b ? r : b) : g < b ? g : b;
    const span = most - least;
    const sixth = most === r ? g - b : most === g ? b - r + 2 * span : r - g + 4 * span;
    let h = (sixth * HUE[span] + 2048) >> 12;
    if (h < 0) h += 180;
    const v = values[most], s = saturations[(span * SATURATION[most] + 2048) >> 12] / 255;
    const angle = hues[h] / 30, sector = Math.floor(angle), rest = angle - sector;
    const low = v * (1 - s);
    const falling = v * (1 - s * rest), rising = v * (1 - s * (1 - rest));
    // Bytes drop the fraction, as OpenCV's vector code does (its code for a row's last pixels rounds).
    switch (sector) {
      case 0:
        out[i] = v, out[i + 1] = rising, out[i + 2] = low;
        break;
      case 1:
        out[i] = falling, out[i + 1] = v, out[i + 2] = low;
        break;
      case 2:
        out[i] = low, out[i + 1] = v, out[i + 2] = rising;
        break;
      case 3:
        out[i] = low, out[i + 1] = falling, out[i + 2] = v;
        break;
      case 4:
        out[i] = rising, out[i + 1] = low, out[i + 2] = v;
        break;
      default:
        out[i] = v, out[i + 1] = low, out[i + 2] = falling;
    }
  }
  return { data: out, height, width };
}

function shifted(shift: number, wrap: (level: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, level) => wrap(level + shift));
}
