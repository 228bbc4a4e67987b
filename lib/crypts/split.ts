/** Touching crypts apart: a watershed on the distance transform. */
import { squaredDistance } from "../annotation/mod.ts";

/**
 * Cuts a component where it has a narrow neck. Basins of the distance to background grow from its
 * maxima downwards; where two meet, they stay apart when the neck is narrower than `neck` times the
 * width of the narrower part, and become one otherwise (a watershed whose markers are chosen by
 * relative persistence, so that neither a bumpy outline nor an elongated crypt is cut up).
 *
 * @param mask one component, 0/1, row-major
 * @param neck in (0, 1): 0.6 cuts two equal discs when their centres are more than 1.6 radii apart
 * @param smallest parts of fewer pixels stay with the neighbour that they touch most
 * @returns the part of each pixel, 1 to `count`; 0 is background
 * @throws {RangeError} when `neck` is not in (0, 1)
 */
export function splitTouching(
  mask: Uint8Array,
  height: number,
  width: number,
  neck = 0.6,
  smallest = 1,
): { labels: Uint32Array; count: number } {
  if (!(neck > 0 && neck < 1)) throw new RangeError(`neck must be in (0, 1), got ${neck}`);
  const squared = squaredDepths(mask, height, width);
  const order = byFallingDepth(mask, squared);
  const depth = squared.map(Math.sqrt);
  // A basin goes by the pixel that founded it, counted from 1, so that 0 means none.
  const basin = new Uint32Array(mask.length), parent = new Uint32Array(mask.length + 1);
  const root = (b: number): number => {
    while (parent[b] !== b) b = parent[b] = parent[parent[b]];
    return b;
  };
  for (const i of order) {
    const x = i % width;
    let home = 0;
    for (let dy = -width; dy <= width; dy += width) {
      for (let dx = -1; dx <= 1; dx++) {
        const j = i + dy + dx;
        if (j === i || j < 0 || j >= mask.length || x + dx < 0 || x + dx >= width) continue;
        if (basin[j] === 0) continue;
        const other = root(basin[j]);
        if (home === 0) {
          home = other;
        } else if (other !== home) {
          const [high, low] = depth[other - 1] > depth[home - 1] ? [other, home] : [home, other];
          // Pixels come by falling depth: this one is the highest pass between the two.
          if (depth[i] > neck * depth[low - 1]) {
            parent[low] = high;
            home = high;
          }
        }
      }
    }
    if (home === 0) {
      home = i + 1;
      parent[home] = home;
    }
    basin[i] = home;
  }
  const numbers = new Map<number, number>(), labels = new Uint32Array(mask.length);
  for (const i of order) {
    const r = root(basin[i]);
    if (!numbers.has(r)) numbers.set(r, numbers.size + 1);
    labels[i] = numbers.get(r)!;
  }
  return absorb(labels, numbers.size, width, smallest);
}

/** Squared distance of each crypt pixel to background; what lies beyond the frame is background. */
function squaredDepths(mask: Uint8Array, height: number, width: number): Float64Array {
  const wide = width + 2, background = new Uint8Array((height + 2) * wide).fill(1);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) if (mask[i] !== 0) background[(y + 1) * wide + x + 1] = 0;
  }
  const padded = squaredDistance(background, height + 2, wide);
  const out = new Float64Array(mask.length);
  for (let y = 0; y < height; y++) {
    out.set(padded.subarray((y + 1) * wide + 1, (y + 1) * wide + 1 + width), y * width);
  }
  return out;
}

/** Crypt pixels, deepest first, equal ones in reading order: a counting sort, the depths are whole. */
function byFallingDepth(mask: Uint8Array, squared: Float64Array): Uint32Array {
  const deepest = squared.reduce((a, b) => Math.max(a, b), 0);
  const place = new Uint32Array(deepest + 2);
  for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) place[deepest - squared[i] + 1]++;
  for (let d = 1; d < place.length; d++) place[d] += place[d - 1];
  const order = new Uint32Array(place[place.length - 1]);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 0) order[place[deepest - squared[i]]++] = i;
  }
  return order;
}

/** Gives each part below `smallest` pixels to the neighbour it touches most; numbers anew. */
function absorb(
  labels: Uint32Array,
  count: number,
  width: number,
  smallest: number,
): { labels: Uint32Array; count: number } {
  const area = new Float64Array(count + 1);
  for (const label of labels) area[label]++;
  const small = Array.from({ length: count }, (_, i) => i + 1)
    .filter((part) => area[part] < smallest).sort((a, b) => area[a] - area[b]);
  for (const part of small) {
    const touching = new Map<number, number>();
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] !== part) continue;
      const x = i % width;
      for (const j of [x > 0 ? i - 1 : i, x < width - 1 ? i + 1 : i, i - width, i + width]) {
        const other = labels[j] ?? 0;
        if (other !== 0 && other !== part) touching.set(other, (touching.get(other) ?? 0) + 1);
      }
    }
    const [most] = [...touching].sort((a, b) => b[1] - a[1]);
    if (most) {
      for (let i = 0; i < labels.length; i++) if (labels[i] === part) labels[i] = most[0];
    }
  }
  const numbers = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 0) continue;
    if (!numbers.has(labels[i])) numbers.set(labels[i], numbers.size + 1);
    labels[i] = numbers.get(labels[i])!;
  }
  return { labels, count: numbers.size };
}
