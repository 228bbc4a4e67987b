/** Run-length encodings (column-major) from row runs, without the mask in memory. */
import { EMPTY_RLE } from "./rle.ts";
import type { RunMask } from "../image/mod.ts";

/** As `encodeRle` of `lib/annotation/rle.ts` gives it for the same mask; memory follows the outlines. */
export function encodeRuns(runs: RunMask): string {
  const { height, width, rowStart, start, end } = runs;
  // The rows at which each column switches between background and crypt, in order.
  const switches: number[][] = Array.from({ length: width }, () => []);
  const toggle = (from: number, to: number, row: number) => {
    for (let x = from; x < to; x++) switches[x].push(row);
  };
  for (let y = 0; y < height; y++) {
    // Between the sorted ends of this row's and the row above's runs, the rows differ wherever an
    // odd number of ends has been passed.
    let a = y > 0 ? 2 * rowStart[y - 1] : 0, b = 2 * rowStart[y];
    const aEnd = y > 0 ? 2 * rowStart[y] : 0, bEnd = 2 * rowStart[y + 1];
    const edge = (k: number) => k % 2 === 0 ? start[k >> 1] : end[k >> 1];
    let differs = false, from = 0;
    while (a < aEnd || b < bEnd) {
      const next = b === bEnd || (a < aEnd && edge(a) <= edge(b)) ? edge(a++) : edge(b++);
      if (differs) toggle(from, next, y);
      differs = !differs;
      from = next;
    }
  }
  const parts: string[] = [];
  let open = -1;
  for (let x = 0; x < width; x++) {
    const rows = switches[x];
    // A run goes on from the bottom of a column to the top of the next.
    let inside = false;
    if (open >= 0 && rows[0] !== 0) {
      parts.push(`${open + 1} ${x * height - open}`);
      open = -1;
    }
    for (const row of rows) {
      const position = x * height + row;
      inside = !inside;
      if (inside) {
        if (open < 0) open = position;
      } else {
        parts.push(`${open + 1} ${position - open}`);
        open = -1;
      }
    }
  }
  if (open >= 0) parts.push(`${open + 1} ${width * height - open}`);
  return parts.length > 0 ? parts.join(" ") : EMPTY_RLE;
}
