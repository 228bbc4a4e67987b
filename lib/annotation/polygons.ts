/** Polygons to masks, and masks to polygons; see `geojson.ts` for their files. */
import { type Contour, traceContours } from "./contours.ts";
import type { Mask } from "../image/mod.ts";

/** A corner in full-resolution pixels: x to the right, y downwards, pixel corners at integers. */
export type Point = readonly [x: number, y: number];

/** A closed outline; the last point need not repeat the first. */
export type Ring = readonly Point[];

/** An outline and the holes in it. A MultiPolygon becomes several of these. */
export interface Polygon {
  /** The outer outline, then the holes. */
  rings: Ring[];
  /** The name of the annotation's class in QuPath, where it has one. */
  classification: string | null;
}

/**
 * Draws polygons as a mask: a pixel is crypt when its centre lies inside a polygon and in none of
 * that polygon's holes (even-odd rule, as Java's and so QuPath's shapes are filled). Polygons that
 * overlap are united; what lies outside of the image is cut off.
 *
 * @returns 0/1, row-major, `height * width` long
 * @throws {RangeError} when a side is no positive integer
 */
export function polygonsToMask(
  polygons: readonly Polygon[],
  height: number,
  width: number,
): Uint8Array {
  checkSides(height, width);
  const mask = new Uint8Array(height * width);
  for (const polygon of polygons) fillPolygon(polygon, mask, 1, height, width);
  return mask;
}

/**
 * Draws polygons as labels, by the rule of {@link polygonsToMask}: the n-th polygon has the value n.
 * Where polygons overlap, the smaller one (by the area of its outlines) lies on top, so that none
 * disappears below a larger one.
 *
 * @returns row-major, `height * width` long; 0 is background
 * @throws {RangeError} when a side is no positive integer, or for more than 65,535 polygons
 * @example
 * ```ts
 * import { polygonsToLabels, readPolygons } from "crypts/annotation";
 * const labels = polygonsToLabels(await readPolygons("train/a.json"), 512, 512);
 * ```
 */
export function polygonsToLabels(
  polygons: readonly Polygon[],
  height: number,
  width: number,
): Uint16Array {
  checkSides(height, width);
  if (polygons.length > 65535) {
    throw new RangeError(`labels tell at most 65,535 polygons apart, got ${polygons.length}`);
  }
  const labels = new Uint16Array(height * width);
  const order = polygons.map((polygon, i) => ({ polygon, value: i + 1, area: areaOf(polygon) }));
  order.sort((a, b) => b.area - a.area);
  for (const { polygon, value } of order) fillPolygon(polygon, labels, value, height, width);
  return labels;
}

/** Pixels in the outer outline less those in the holes. */
function areaOf({ rings }: Polygon): number {
  const areas = rings.map((ring) =>
    Math.abs(ring.reduce((sum, [x, y], i) => {
      const [u, v] = ring[(i + 1) % ring.length];
      return sum + x * v - u * y;
    }, 0)) / 2
  );
  return areas.slice(1).reduce((rest, hole) => rest - hole, areas[0]);
}

function checkSides(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new RangeError(`mask sides must be positive integers, got ${height} x ${width}`);
  }
}

/** Where a mask lies in the coordinates of {@link maskToPolygons}' result. */
export interface Placement {
  /** Column of the mask's left edge, in pixels of the mask; default 0. */
  left?: number;
  /** Row of the mask's upper edge, in pixels of the mask; default 0. */
  top?: number;
  /** Full-resolution pixels a mask pixel, in x and y; default 1. */
  scale?: readonly [x: number, y: number];
}

/**
 * The regions of a mask as polygons with holes; {@link polygonsToMask} gives the mask back exactly.
 *
 * Outlines run between pixels. Regions are 4-connected, so that no ring touches itself and the
 * polygons are valid as JTS (QuPath) and the OGC define it; pixels that meet at a corner only belong
 * to different polygons. Outer rings run clockwise as seen on the screen, holes counter-clockwise.
 *
 * @returns in the order of their topmost, then leftmost corner
 * @throws {RangeError} when the data do not fit the size
 */
export function maskToPolygons(mask: Mask, placement: Placement = {}): Polygon[] {
  const contours = traceContours(mask, 4), ownerOf = holeOwners(mask, contours);
  const { left = 0, top = 0, scale = [1, 1] } = placement;
  const rings = contours.map(({ points }) => {
    const ring: Point[] = [];
    for (let i = 0; i < points.length; i += 2) {
      ring.push([(points[i] + left) * scale[0], (points[i + 1] + top) * scale[1]]);
    }
    return ring;
  });
  const polygons = new Map<number, Polygon>();
  contours.forEach(({ hole }, i) => {
    if (!hole) polygons.set(i, { rings: [rings[i]], classification: null });
  });
  contours.forEach(({ hole }, i) => {
    if (hole) polygons.get(ownerOf(i))!.rings.push(rings[i]);
  });
  return [...polygons.values()];
}

/** Finds the outer outline of the region in which a hole lies. */
function holeOwners(mask: Mask, contours: readonly Contour[]): (hole: number) => number {
  const { data, width } = mask;
  // Which contour runs along the left or right side of a pixel.
  const sides = new Map<number, number>();
  contours.forEach(({ points }, index) => {
    const last = points.length - 2;
    for (let i = 0, j = last; i < points.length; j = i, i += 2) {
      if (points[i] !== points[j]) continue;
      const [from, to] = [points[i + 1], points[j + 1]].sort((a, b) => a - b);
      for (let row = from; row < to; row++) sides.set(row * (width + 1) + points[i], index);
    }
  });
  const ownerOf = (hole: number): number => {
    // Above the hole's upper edge is the region; its next outline to the left is the outer one, or
    // that of a hole that begins further up, and so the search ends.
    const { points } = contours[hole];
    let [column, edge] = points;
    for (let i = 2; i < points.length; i += 2) {
      if (points[i + 1] < edge || (points[i + 1] === edge && points[i] < column)) {
        [column, edge] = [points[i], points[i + 1]];
      }
    }
    const row = edge - 1;
    while (column > 0 && data[row * width + column - 1] !== 0) column--;
    const contour = sides.get(row * (width + 1) + column)!;
    return contours[contour].hole ? ownerOf(contour) : contour;
  };
  return ownerOf;
}

/** Scanline fill: for each row, the crossings of its pixel centres' line with all edges, in pairs. */
function fillPolygon(
  polygon: Polygon,
  out: Uint8Array | Uint16Array,
  value: number,
  height: number,
  width: number,
): void {
  const crossings = new Map<number, number[]>();
  for (const ring of polygon.rings) {
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [upper, lower] = ring[i][1] < ring[j][1] ? [ring[i], ring[j]] : [ring[j], ring[i]];
      // Half-open in y: a corner that lies exactly on a line of centres counts once.
      const first = Math.max(0, Math.ceil(upper[1] - 0.5));
      const end = Math.min(height, Math.ceil(lower[1] - 0.5));
      const slope = (lower[0] - upper[0]) / (lower[1] - upper[1]);
      for (let row = first; row < end; row++) {
        const x = upper[0] + (row + 0.5 - upper[1]) * slope;
        const list = crossings.get(row);
        if (list) list.push(x);
        else crossings.set(row, [x]);
      }
    }
  }
  for (const [row, xs] of crossings) {
    xs.sort((a, b) => a - b);
    for (let i = 0; i + 1 < xs.length; i += 2) {
      const from = Math.max(0, Math.ceil(xs[i] - 0.5));
      const to = Math.min(width, Math.ceil(xs[i + 1] - 0.5));
      if (from < to) out.fill(value, row * width + from, row * width + to);
    }
  }
}
