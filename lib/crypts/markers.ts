/** Touching crypts apart by what the network says of their inside: marker-grown regions. */

/** How markers become crypts. Lengths and areas are in pixels of the class map. */
export interface MarkerOptions {
  /** Interior components of fewer pixels are no markers; default 20. */
  minMarker?: number;
  /**
   * Neighbouring regions become one when the boundary between their markers is thinner than this
   * (the median width of what is not interior, measured where they meet); default 2.
   * Two crypts that touch each have a band, one crypt whose interior is torn has hardly any.
   */
  mergeGap?: number;
}

/** Steps along rows and columns, and along diagonals: distances in fifths of a pixel (5-7 chamfer). */
const STRAIGHT = 5, DIAGONAL = 7;

/**
 * Grows the components of `interior` inside of `mask` until they meet, each pixel going to the marker
 * that is nearest within the mask, then joins neighbours that hardly anything separates.
 *
 * This is the watershed of the geodesic distance to the markers. Parts of the mask that hold no
 * marker are one region per 8-connected component.
 *
 * @param mask 0/1, row-major
 * @param interior 0/1: pixels well inside of a crypt; those outside of the mask do not count
 * @returns the region of each pixel, 1 to `count`; 0 is background
 * @throws {RangeError} when a setting is negative or the lengths differ
 * @example
 * ```ts
 * import { growMarkers } from "crypts/crypts";
 * const mask = Uint8Array.from([1, 1, 1, 1, 1, 1, 1]);
 * const interior = Uint8Array.from([1, 1, 0, 0, 0, 1, 1]);
 * growMarkers(mask, interior, 1, 7, { minMarker: 1 }).count; // 2
 * ```
 */
export function growMarkers(
  mask: Uint8Array,
  interior: Uint8Array,
  height: number,
  width: number,
  options: MarkerOptions = {},
): { labels: Uint32Array; count: number } {
  const { minMarker = 20, mergeGap = 2 } = options;
  for (const [name, value] of Object.entries({ minMarker, mergeGap })) {
    if (!(value >= 0)) throw new RangeError(`${name} must be >= 0, got ${value}`);
  }
  if (mask.length !== height * width || interior.length !== mask.length) {
    throw new RangeError(
      `mask and interior of ${height} x ${width} need ${height * width} pixels, ` +
        `got ${mask.length} and ${interior.length}`,
    );
  }
  const labels = new Uint32Array(mask.length);
  const count = placeMarkers(mask, interior, labels, width, minMarker);
  const distance = grow(mask, labels, width);
  const joined = joinNeighbours(labels, distance, count, width, mergeGap);
  return { labels: joined.labels, count: addUnmarked(mask, joined.labels, joined.count, width) };
}

/** Writes 1, 2, … into `labels` for each 4-connected component of the interior; returns how many. */
function placeMarkers(
  mask: Uint8Array,
  interior: Uint8Array,
  labels: Uint32Array,
  width: number,
  smallest: number,
): number {
  let count = 0;
  const seen = new Uint8Array(mask.length), pixels: number[] = [];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0 || interior[i] === 0 || seen[i] !== 0) continue;
    pixels.length = 0;
    pixels.push(i);
    seen[i] = 1;
    for (let k = 0; k < pixels.length; k++) {
      const p = pixels[k], x = p % width;
      const next = [x > 0 ? p - 1 : -1, x < width - 1 ? p + 1 : -1, p - width, p + width];
      for (const q of next) {
        if (q < 0 || q >= mask.length || seen[q] || mask[q] === 0 || interior[q] === 0) continue;
        seen[q] = 1;
        pixels.push(q);
      }
    }
    if (pixels.length < smallest) continue;
    count++;
    for (const p of pixels) labels[p] = count;
  }
  return count;
}

/** Extends `labels` over the mask by geodesic distance; returns that distance in fifths of a pixel. */
function grow(mask: Uint8Array, labels: Uint32Array, width: number): Uint32Array {
  const distance = new Uint32Array(mask.length).fill(0xffffffff);
  // Buckets by distance: steps are at most 7 long, so 8 of them in turn suffice.
  const buckets: number[][] = Array.from({ length: DIAGONAL + 1 }, () => []);
  let waiting = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    distance[i] = 0;
    buckets[0].push(i);
    waiting++;
  }
  for (let d = 0; waiting > 0; d++) {
    const bucket = buckets[d % buckets.length];
    for (let k = 0; k < bucket.length; k++) {
      const p = bucket[k];
      waiting--;
      if (distance[p] !== d) continue;
      const x = p % width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const q = p + dy * width + dx;
          if (q < 0 || q >= mask.length || mask[q] === 0 || x + dx < 0 || x + dx >= width) continue;
          const far = d + (dx !== 0 && dy !== 0 ? DIAGONAL : STRAIGHT);
          if (q === p || far >= distance[q]) continue;
          distance[q] = far;
          labels[q] = labels[p];
          buckets[far % buckets.length].push(q);
          waiting++;
        }
      }
    }
    bucket.length = 0;
  }
  return distance;
}

/** Where two regions meet, and the width of the boundary there. */
interface Frontier {
  a: number;
  b: number;
  /** The median: at its ends every frontier runs through the outer boundary, which is wide. */
  gap: number;
}

/** Joins neighbours whose gap is below `mergeGap`, thinnest first; numbers the regions anew. */
function joinNeighbours(
  labels: Uint32Array,
  distance: Uint32Array,
  count: number,
  width: number,
  mergeGap: number,
): { labels: Uint32Array; count: number } {
  const parent = Uint32Array.from({ length: count + 1 }, (_, i) => i);
  const root = (r: number): number => {
    while (parent[r] !== r) r = parent[r] = parent[parent[r]];
    return r;
  };
  for (;;) {
    const frontiers = frontiersOf(labels, distance, width, root);
    const thin = frontiers.filter((f) => f.gap < mergeGap)
      .sort((f, g) => f.gap - g.gap || f.a - g.a || f.b - g.b);
    if (thin.length === 0) break;
    // One at a time and each region once a round: a join changes its frontiers with all others.
    const touched = new Set<number>();
    for (const { a, b } of thin) {
      if (touched.has(a) || touched.has(b)) continue;
      touched.add(a).add(b);
      parent[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const numbers = new Uint32Array(count + 1);
  let left = 0;
  for (let r = 1; r <= count; r++) if (root(r) === r) numbers[r] = ++left;
  return { labels: labels.map((label) => label === 0 ? 0 : numbers[root(label)]), count: left };
}

function frontiersOf(
  labels: Uint32Array,
  distance: Uint32Array,
  width: number,
  root: (region: number) => number,
): Frontier[] {
  const found = new Map<string, { a: number; b: number; gaps: number[] }>();
  const meet = (p: number, q: number) => {
    if (labels[p] === labels[q] || labels[p] === 0 || labels[q] === 0) return;
    const [a, b] = [root(labels[p]), root(labels[q])].sort((m, n) => m - n);
    if (a === b) return;
    const key = `${a} ${b}`;
    let frontier = found.get(key);
    if (!frontier) found.set(key, frontier = { a, b, gaps: [] });
    // Pixels between the two markers: each side's distance counts the pixels that it has grown.
    frontier.gaps.push((distance[p] + distance[q]) / STRAIGHT);
  };
  for (let p = 0; p < labels.length; p++) {
    if (p % width < width - 1) meet(p, p + 1);
    if (p + width < labels.length) meet(p, p + width);
  }
  return [...found.values()].map(({ a, b, gaps }) => {
    gaps.sort((m, n) => m - n);
    return { a, b, gap: gaps[gaps.length >> 1] };
  });
}

/** Gives each 8-connected component that no marker reached a number of its own. */
function addUnmarked(
  mask: Uint8Array,
  labels: Uint32Array,
  count: number,
  width: number,
): number {
  const stack: number[] = [];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0 || labels[i] !== 0) continue;
    labels[i] = ++count;
    stack.push(i);
    while (stack.length > 0) {
      const p = stack.pop()!, x = p % width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const q = p + dy * width + dx;
          if (q < 0 || q >= mask.length || x + dx < 0 || x + dx >= width) continue;
          if (mask[q] === 0 || labels[q] !== 0) continue;
          labels[q] = count;
          stack.push(q);
        }
      }
    }
  }
  return count;
}
