/** Pascal VOC's void: a band of 255 along outlines, neither object nor background. */

/** Width of the band in VOC's own masks, which lies on both sides of the outline. */
const BAND = 5;

/**
 * Gives void pixels to what they touch, from both sides a pixel (of 8 neighbours) at a time, so that
 * a band is shared along its middle; where both sides arrive at once it is background. What is farther
 * than {@link BAND} from a label is background, too.
 *
 * @param data one value per pixel, row-major
 * @param what the value of void
 * @returns a copy without that value
 */
export function shareVoid<T extends Uint8Array | Uint16Array>(
  data: T,
  width: number,
  what: number,
): T {
  const out = data.slice() as T;
  let open: number[] = [];
  for (let i = 0; i < out.length; i++) if (out[i] === what) open.push(i);
  for (let round = 0; round < BAND && open.length > 0; round++) {
    const left: number[] = [], given: number[] = [];
    for (const i of open) {
      const value = neighbour(out, width, i, what);
      if (value === what) left.push(i);
      else given.push(i, value);
    }
    // After the round, so that a pixel does not pass on in the round in which it was given.
    for (let g = 0; g < given.length; g += 2) out[given[g]] = given[g + 1];
    open = left;
  }
  for (const i of open) out[i] = 0;
  return out;
}

/** 0 where some neighbour is 0, else a neighbour's label, else void. */
function neighbour(
  data: Uint8Array | Uint16Array,
  width: number,
  i: number,
  what: number,
): number {
  const x = i % width, first = Math.max(0, x - 1), last = Math.min(width - 1, x + 1);
  let found = what;
  for (let row = i - x - width; row <= i - x + width; row += width) {
    if (row < 0 || row >= data.length) continue;
    for (let p = row + first; p <= row + last; p++) {
      if (data[p] === 0) return 0;
      if (data[p] !== what) found = data[p];
    }
  }
  return found;
}
