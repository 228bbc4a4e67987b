/** Reinhard's colour transfer. */
import { labToRgb, type RgbImage, rgbToLab } from "../../image/mod.ts";
import { imageOnly } from "../image_only.ts";
import type { Augmentation } from "../types.ts";

/** Mean and standard deviation of L* (0 to 100), a* and b* over the pixels of an image. */
export interface LabStatistics {
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
}

/** The statistics of an image in CIE L*a*b*. */
export function labStatistics(image: RgbImage): LabStatistics {
  return statisticsOf(toLab(image));
}

/**
 * The image with its L*, a* and b* shifted and scaled to `target`'s mean and deviation; colours
 * that leave sRGB are cut. Source: Reinhard et al., "Color transfer between images", 2001, in
 * CIE L*a*b* as is usual in histology.
 */
export function recoloured(image: RgbImage, target: LabStatistics): RgbImage {
  const lab = toLab(image), { mean, deviation } = statisticsOf(lab);
  const scale = deviation.map((value, c) => value > 0 ? target.deviation[c] / value : 0);
  const out = new Uint8Array(lab.length), rgb = new Float64Array(3);
  const moved = (i: number, c: number) => (lab[i + c] - mean[c]) * scale[c] + target.mean[c];
  for (let i = 0; i < lab.length; i += 3) {
    labToRgb(moved(i, 0), moved(i, 1), moved(i, 2), rgb);
    for (let c = 0; c < 3; c++) out[i + c] = rgb[c] + 0.5;
  }
  return { data: out, height: image.height, width: image.width };
}

/** Normalizes each image to `target`, e.g. {@link labStatistics} of a chosen one. Off in every preset. */
export function reinhardNormalization(target: LabStatistics, probability = 1): Augmentation {
  return imageOnly("ReinhardNormalization", probability, (image) => recoloured(image, target));
}

function toLab({ data }: RgbImage): Float64Array {
  const out = new Float64Array(data.length), lab = new Float64Array(3);
  for (let i = 0; i < data.length; i += 3) {
    rgbToLab(data[i], data[i + 1], data[i + 2], lab);
    out.set(lab, i);
  }
  return out;
}

function statisticsOf(lab: Float64Array): LabStatistics {
  const count = lab.length / 3, mean = [0, 0, 0], square = [0, 0, 0];
  for (let i = 0; i < lab.length; i++) mean[i % 3] += lab[i] / count;
  for (let i = 0; i < lab.length; i++) square[i % 3] += (lab[i] - mean[i % 3]) ** 2 / count;
  return {
    mean: mean as [number, number, number],
    deviation: square.map(Math.sqrt) as [number, number, number],
  };
}
