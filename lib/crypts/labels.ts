/** Crypts to and from label masks: one value per crypt. */
import type { LabelMask } from "../image/mod.ts";
import { partsOf } from "./boxes.ts";
import type { Crypt } from "./find.ts";

/**
 * The crypts of a label mask, each as it was labelled: nothing is filled, cut or dropped.
 *
 * @returns in the order of their first pixel; `id` is the label
 * @throws {RangeError} when the number of pixels does not fit
 * @example
 * ```ts
 * import { cryptsOfLabels } from "crypts/crypts";
 * const labels = { data: Uint16Array.from([3, 3, 7]), height: 1, width: 3 };
 * cryptsOfLabels(labels).map((crypt) => [crypt.id, crypt.area]); // [[3, 2], [7, 1]]
 * ```
 */
export function cryptsOfLabels(labels: LabelMask): Crypt[] {
  const { data, height, width } = labels;
  if (data.length !== height * width) {
    throw new RangeError(
      `labels of ${height} x ${width} need ${height * width} pixels, got ${data.length}`,
    );
  }
  // Labels may have gaps: number them without, in the order of their first pixel.
  const numbers = new Map<number, number>(), ids: number[] = [];
  const regions = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    let number = numbers.get(data[i]);
    if (number === undefined) {
      numbers.set(data[i], number = numbers.size + 1);
      ids.push(data[i]);
    }
    regions[i] = number;
  }
  if (ids.length === 0) return [];
  const whole = { top: 0, left: 0, height, width, mask: Uint8Array.from(data, (v) => v ? 1 : 0) };
  return partsOf(whole, { labels: regions, count: ids.length }).map((part, i) => ({
    ...part,
    id: ids[i],
    area: part.mask.reduce((a, b) => a + b, 0),
    probability: null,
    border: part.top === 0 || part.left === 0 || part.top + part.height === height ||
      part.left + part.width === width,
  }));
}

/**
 * Draws crypts into a label mask, the n-th with the value n.
 *
 * @throws {RangeError} when there are more than 65,535 crypts or one leaves the image
 */
export function labelsOfCrypts(
  crypts: readonly Crypt[],
  height: number,
  width: number,
): LabelMask {
  if (crypts.length > 65_535) {
    throw new RangeError(`a label mask holds at most 65535 crypts, got ${crypts.length}`);
  }
  const data = new Uint16Array(height * width);
  crypts.forEach((crypt, i) => {
    if (crypt.top + crypt.height > height || crypt.left + crypt.width > width) {
      throw new RangeError(`crypt ${crypt.id} leaves the image of ${height} x ${width}`);
    }
    for (let y = 0, p = 0; y < crypt.height; y++) {
      const row = (crypt.top + y) * width + crypt.left;
      for (let x = 0; x < crypt.width; x++, p++) if (crypt.mask[p]) data[row + x] = i + 1;
    }
  });
  return { data, height, width };
}
