/** Haematoxylin and eosin apart: colour deconvolution, and the threshold baseline that rests on it. */
import type { Mask, RgbImage } from "../image/mod.ts";

/**
 * The first column of scikit-image's `hed_from_rgb`: the inverse of Ruifrok and Johnston's stain
 * vectors haematoxylin (0.65, 0.70, 0.29), eosin (0.07, 0.99, 0.11), DAB (0.27, 0.57, 0.78).
 */
const HAEMATOXYLIN_FROM_RGB = haematoxylinColumn();

/** Optical density of each byte on scikit-image's scale: 0 for white, 1 for 1e-6 of white. */
const DENSITY = Float64Array.from(
  { length: 256 },
  (_, value) => Math.log(Math.max(value / 255, 1e-6)) / Math.log(1e-6),
);

/**
 * The concentration of haematoxylin in each pixel, as `skimage.color.rgb2hed(image)[..., 0]`.
 * Source: Ruifrok and Johnston, "Quantification of histochemical staining by color deconvolution",
 * 2001.
 *
 * @returns one value a pixel, row-major, at least 0 (about 0.3 in dark nuclei)
 */
export function haematoxylin(image: RgbImage): Float32Array {
  const [r, g, b] = HAEMATOXYLIN_FROM_RGB, { data } = image;
  const out = new Float32Array(image.height * image.width);
  for (let i = 0, p = 0; i < out.length; i++, p += 3) {
    const value = r * DENSITY[data[p]] + g * DENSITY[data[p + 1]] + b * DENSITY[data[p + 2]];
    out[i] = value > 0 ? value : 0;
  }
  return out;
}

/**
 * Otsu's threshold over 256 bins between the smallest and the largest value (1979), as
 * `skimage.filters.threshold_otsu`: the centre of the bin after which the classes are cut.
 *
 * @returns the threshold; values above it are foreground. The value itself where all are equal.
 * @throws {RangeError} when there are no values or one is not finite
 */
export function otsu(values: Float32Array): number {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) throw new RangeError(`Otsu needs finite values, got ${value}`);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (values.length === 0) throw new RangeError("Otsu needs at least one value");
  if (low === high) return low;
  const bins = 256, counts = new Float64Array(bins), width = (high - low) / bins;
  for (const value of values) counts[Math.min(bins - 1, Math.floor((value - low) / width))]++;
  const centre = (bin: number) => low + (bin + 0.5) * width;
  let total = 0, totalSum = 0;
  for (let i = 0; i < bins; i++) {
    total += counts[i];
    totalSum += counts[i] * centre(i);
  }
  let below = 0, belowSum = 0, best = -1, threshold = low;
  for (let i = 0; i < bins - 1; i++) {
    below += counts[i];
    belowSum += counts[i] * centre(i);
    const above = total - below;
    if (below === 0 || above === 0) continue;
    const between = below * above * (belowSum / below - (totalSum - belowSum) / above) ** 2;
    if (between > best) [best, threshold] = [between, centre(i)];
  }
  return threshold;
}

/** No stained tissue is as dark in all three channels: it is a scanner's black rectangle. */
const BLACK = 20;

/**
 * The baseline that any model must beat: Otsu's threshold on the haematoxylin channel. Black pixels
 * (all channels below 20) are background and left out of the histogram, which they would stretch.
 *
 * @param options.sigma Gaussian smoothing of the channel in pixels before the cut, so that
 *   epithelium counts and not single nuclei; default 0
 * @throws {RangeError} when sigma is negative
 */
export function otsuMask(image: RgbImage, options: { sigma?: number } = {}): Mask {
  const { height, width } = image, sigma = options.sigma ?? 0;
  if (!(sigma >= 0)) throw new RangeError(`sigma must be at least 0, got ${sigma}`);
  const channel = smooth(haematoxylin(image), height, width, sigma);
  const stained = (i: number) =>
    image.data[3 * i] >= BLACK || image.data[3 * i + 1] >= BLACK || image.data[3 * i + 2] >= BLACK;
  const values = channel.filter((_, i) => stained(i));
  const threshold = values.length > 0 ? otsu(values) : Infinity;
  const cut = (value: number, i: number) => value > threshold && stained(i) ? 1 : 0;
  return { data: Uint8Array.from(channel, cut), height, width };
}

/** Separable Gaussian, cut at 4 sigma, borders repeated. */
function smooth(values: Float32Array, height: number, width: number, sigma: number) {
  if (sigma === 0) return values;
  const radius = Math.ceil(4 * sigma);
  const kernel = Float64Array.from(
    { length: 2 * radius + 1 },
    (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = kernel.reduce((a, b) => a + b);
  const clamp = (i: number, n: number) => i < 0 ? 0 : i >= n ? n - 1 : i;
  const rows = new Float32Array(values.length), out = new Float32Array(values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let total = 0;
      for (let k = -radius; k <= radius; k++) {
        total += kernel[k + radius] * values[y * width + clamp(x + k, width)];
      }
      rows[y * width + x] = total / sum;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let k = -radius; k <= radius; k++) {
      const weight = kernel[k + radius] / sum, from = clamp(y + k, height) * width;
      for (let x = 0; x < width; x++) out[y * width + x] += weight * rows[from + x];
    }
  }
  return out;
}

function haematoxylinColumn(): [number, number, number] {
  const [h, e, d] = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]];
  // With the stains as rows, the first column of the inverse is e × d over the determinant.
  const cross = [
    e[1] * d[2] - e[2] * d[1],
    e[2] * d[0] - e[0] * d[2],
    e[0] * d[1] - e[1] * d[0],
  ];
  const determinant = h[0] * cross[0] + h[1] * cross[1] + h[2] * cross[2];
  return [cross[0] / determinant, cross[1] / determinant, cross[2] / determinant];
}
