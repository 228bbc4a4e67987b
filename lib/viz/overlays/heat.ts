/** Maps of values as colours: alone, and as a layer on an image. */
import { interpolateInferno } from "d3-scale-chromatic";
import type { RgbImage } from "../../image/mod.ts";

/**
 * The colour of matplotlib's "inferno" at `share`, clamped to [0, 1]: dark is low, bright is high,
 * in order for colour-blind readers and in grey prints.
 */
export function heatColour(share: number): [red: number, green: number, blue: number] {
  const hex = interpolateInferno(Math.min(1, Math.max(0, share)));
  const channel = (at: number) => parseInt(hex.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
}

const COLOURS = Uint8Array.from(Array.from({ length: 256 }, (_, i) => heatColour(i / 255)).flat());

/**
 * A map of values as colours (inferno).
 *
 * @param values one number a pixel, row-major; what lies outside `range` gets the colour of its end
 * @param range the values of the darkest and the brightest colour; default 0 to 1
 * @throws {RangeError} when the number of values does not fit or the range is empty
 */
export function heatMap(
  values: ArrayLike<number>,
  height: number,
  width: number,
  range: readonly [low: number, high: number] = [0, 1],
): RgbImage {
  if (values.length !== height * width) {
    throw new RangeError(
      `a map of ${height} x ${width} needs ${height * width} values, got ${values.length}`,
    );
  }
  const [low, high] = range;
  if (!(low < high)) throw new RangeError(`range must be [low, high], got [${range.join(", ")}]`);
  const data = new Uint8Array(values.length * 3);
  for (let i = 0; i < values.length; i++) {
    const share = (values[i] - low) / (high - low);
    const at = 3 * Math.max(0, Math.min(255, Math.round(255 * share)));
    data[3 * i] = COLOURS[at];
    data[3 * i + 1] = COLOURS[at + 1];
    data[3 * i + 2] = COLOURS[at + 2];
  }
  return { data, height, width };
}

/**
 * Values as colours (inferno) on the grey image: where the value is low the tissue shows, where it
 * is high the colour covers it.
 *
 * @param values one a pixel, row-major
 * @param highest the value of the brightest colour, e.g. 1 for entropy in bits
 * @throws {RangeError} when the lengths do not fit or `highest` is not positive
 */
export function heatOverlay(image: RgbImage, values: Float32Array, highest: number): RgbImage {
  const { data, height, width } = image;
  if (values.length !== height * width) {
    throw new RangeError(
      `${height} x ${width} needs ${height * width} values, got ${values.length}`,
    );
  }
  if (!(highest > 0)) throw new RangeError(`highest must be > 0, got ${highest}`);
  const ramp = Array.from({ length: 256 }, (_, i) => heatColour(i / 255));
  const out = new Uint8Array(data.length);
  for (let i = 0, p = 0; i < values.length; i++, p += 3) {
    const share = Math.min(1, Math.max(0, values[i] / highest));
    const colour = ramp[Math.round(share * 255)], cover = Math.min(1, 0.15 + 1.7 * share);
    const grey = 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
    for (let c = 0; c < 3; c++) out[p + c] = (1 - cover) * grey + cover * colour[c];
  }
  return { data: out, height, width };
}
