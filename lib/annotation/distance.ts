/** The exact Euclidean distance transform. */

/**
 * Squared distance of each pixel centre to the nearest pixel that `inside` marks (0 on those).
 * Source: Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions", 2012.
 *
 * @param inside non-zero marks the set, row-major
 * @returns squared pixels, row-major; Infinity everywhere when the set is empty
 */
export function squaredDistance(inside: Uint8Array, height: number, width: number): Float64Array {
  const out = new Float64Array(height * width);
  const far = height + width;
  // Along columns first: distances to the nearest marked pixel of the same column.
  for (let x = 0; x < width; x++) {
    let run = far;
    for (let y = 0, i = x; y < height; y++, i += width) {
      run = inside[i] !== 0 ? 0 : run + 1;
      out[i] = run;
    }
    run = far;
    for (let y = height - 1, i = y * width + x; y >= 0; y--, i -= width) {
      run = inside[i] !== 0 ? 0 : run + 1;
      if (run < out[i]) out[i] = run;
    }
  }
  // Then along rows: the lower envelope of one parabola a column.
  const site = new Int32Array(width), from = new Float64Array(width + 1);
  const column = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let last = -1;
    for (let x = 0; x < width; x++) {
      column[x] = out[row + x] >= far ? Infinity : out[row + x] ** 2;
      if (column[x] === Infinity) continue;
      let cross = -Infinity;
      while (last >= 0) {
        const s = site[last];
        cross = (column[x] + x * x - column[s] - s * s) / (2 * (x - s));
        if (cross > from[last]) break;
        last--;
        cross = -Infinity;
      }
      last++;
      site[last] = x;
      from[last] = cross;
    }
    for (let x = 0, k = 0; x < width; x++) {
      if (last < 0) {
        out[row + x] = Infinity;
        continue;
      }
      while (k < last && from[k + 1] < x) k++;
      out[row + x] = column[site[k]] + (x - site[k]) ** 2;
    }
  }
  return out;
}
