/** What can be measured of a crypt: size, shape, place. */
import type { Crypt } from "./find.ts";

/** Measurements of a crypt in pixels of the image; names and definitions of scikit-image's `regionprops`. */
export interface CryptMeasures {
  /** Centroid; pixel centres are at half integers, so that this is a place on QuPath's canvas. */
  x: number;
  y: number;
  area: number;
  /** Estimated from the border pixels (Benkrid and Crookes), `skimage.measure.perimeter`. */
  perimeter: number;
  /** `4π area / perimeter²`, 1 for a disc, at most 1. */
  circularity: number;
  /** Axes of the ellipse with the same second moments. */
  majorAxis: number;
  minorAxis: number;
  /** Of the major axis against the x axis, counter-clockwise as seen, in degrees, [0, 180). */
  orientation: number;
}

/** Measures one crypt. */
export function measureCrypt(crypt: Crypt): CryptMeasures {
  const { mask, height, width, top, left } = crypt;
  let area = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (mask[i] === 0) continue;
      area++;
      sx += x;
      sy += y;
      sxx += x * x;
      syy += y * y;
      sxy += x * y;
    }
  }
  const mx = sx / area, my = sy / area;
  const xx = sxx / area - mx * mx, yy = syy / area - my * my, xy = sxy / area - mx * my;
  const middle = (xx + yy) / 2, spread = Math.hypot((xx - yy) / 2, xy);
  const perimeter = perimeterOf(mask, height, width);
  // The y axis points down: an angle that grows clockwise is turned round.
  const angle = spread === 0 ? 0 : -0.5 * Math.atan2(2 * xy, xx - yy) * 180 / Math.PI;
  return {
    x: left + mx + 0.5,
    y: top + my + 0.5,
    area,
    perimeter,
    circularity: perimeter > 0 ? Math.min(1, 4 * Math.PI * area / perimeter ** 2) : 1,
    majorAxis: 4 * Math.sqrt(middle + spread),
    minorAxis: 4 * Math.sqrt(Math.max(0, middle - spread)),
    orientation: ((angle % 180) + 180) % 180,
  };
}

/** Lengths by the code of a border pixel's neighbourhood, see `skimage.measure.perimeter`. */
const LENGTHS = (() => {
  const lengths = new Float64Array(50);
  for (const code of [5, 7, 15, 17, 25, 27]) lengths[code] = 1;
  for (const code of [21, 33]) lengths[code] = Math.SQRT2;
  for (const code of [13, 23]) lengths[code] = (1 + Math.SQRT2) / 2;
  return lengths;
})();

/**
 * Perimeter in pixels: border pixels (4-neighbourhood) weighed by how their neighbours lie.
 * Source: Benkrid and Crookes, "Design and FPGA implementation of a perimeter estimator", 2000.
 */
export function perimeterOf(mask: Uint8Array, height: number, width: number): number {
  const at = (y: number, x: number) =>
    y >= 0 && x >= 0 && y < height && x < width ? mask[y * width + x] : 0;
  const border = new Uint8Array(mask.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (mask[i] === 0) continue;
      const inner = at(y - 1, x) && at(y + 1, x) && at(y, x - 1) && at(y, x + 1);
      if (!inner) border[i] = 1;
    }
  }
  const edge = (y: number, x: number) =>
    y >= 0 && x >= 0 && y < height && x < width ? border[y * width + x] : 0;
  let sum = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (border[i] === 0) continue;
      const straight = edge(y - 1, x) + edge(y + 1, x) + edge(y, x - 1) + edge(y, x + 1);
      const diagonal = edge(y - 1, x - 1) + edge(y - 1, x + 1) + edge(y + 1, x - 1) +
        edge(y + 1, x + 1);
      sum += LENGTHS[1 + 2 * straight + 10 * diagonal];
    }
  }
  return sum;
}
