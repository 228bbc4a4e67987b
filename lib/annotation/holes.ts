/** Holes in a mask. */

/**
 * Fills the holes of a mask: background that is not 4-connected to the mask's border, as
 * `scipy.ndimage.binary_fill_holes`.
 *
 * @param largest holes of more pixels stay open; default all are filled
 * @returns a filled copy, and how many pixels were filled
 */
export function fillHoles(
  mask: Uint8Array,
  height: number,
  width: number,
  largest = Infinity,
): { mask: Uint8Array; filled: number } {
  const out = mask.slice(), seen = new Uint8Array(mask.length);
  const stack: number[] = [];
  const visit = (i: number) => {
    if (mask[i] === 0 && seen[i] === 0) {
      seen[i] = 1;
      stack.push(i);
    }
  };
  /** Floods what is on the stack and returns its pixels where asked for. */
  const flood = (pixels: number[] | null) => {
    while (stack.length > 0) {
      const i = stack.pop()!, x = i % width;
      pixels?.push(i);
      if (x > 0) visit(i - 1);
      if (x < width - 1) visit(i + 1);
      if (i >= width) visit(i - width);
      if (i < mask.length - width) visit(i + width);
    }
  };
  for (let x = 0; x < width; x++) {
    visit(x);
    visit((height - 1) * width + x);
  }
  for (let y = 0; y < height; y++) {
    visit(y * width);
    visit(y * width + width - 1);
  }
  flood(null);
  let filled = 0;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 0 || seen[i] !== 0) continue;
    const hole: number[] = [];
    visit(i);
    flood(hole);
    if (hole.length > largest) continue;
    for (const pixel of hole) out[pixel] = 1;
    filled += hole.length;
  }
  return { mask: out, filled };
}
