/** Smoothed noise: the displacements of elastic deformation. */
import { within } from "../image/mod.ts";

/** Writes row `row` of a plane of values. */
export type Rows = (row: number, out: Float64Array) => void;

/**
 * A plane smoothed by a Gaussian, as `scipy.ndimage.gaussian_filter` (cut at 4 sigma, borders
 * reflected with the edge repeated). What a wide Gaussian leaves is so smooth that means over blocks
 * are filtered instead and interpolated linearly between: for sigma 50 blocks of 4 x 4 pixels, a
 * sixtieth of the work. That moves each value of `values` by at most half a block, a sixteenth of
 * sigma, which for noise makes another draw of the same field. Blocks are at most sigma/8 wide, so
 * below sigma 16 every pixel is filtered, and divide the sides, so that the reflection stays exact.
 *
 * @param values row-major
 */
export function smoothed(
  values: Float32Array,
  height: number,
  width: number,
  sigma: number,
): Rows {
  const block = [8, 4, 2].find((b) => b <= sigma / 8 && height % b === 0 && width % b === 0) ?? 1;
  const rows = height / block, columns = width / block;
  // A mean over a block has blurred by block²/12 already, less what single pixels have: 1/12.
  const left = Math.sqrt(sigma ** 2 - (block ** 2 - 1) / 12) / block;
  const kernel = gaussian(left, Math.floor(4 * sigma / block + 0.5));
  const means = blockMeans(values, width, block, rows, columns);
  return interpolated(filtered(means, rows, columns, kernel), rows, columns, block);
}

function blockMeans(
  values: Float32Array,
  width: number,
  block: number,
  rows: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns), share = 1 / block ** 2;
  for (let row = 0, i = 0; row < rows * block; row++) {
    const to = Math.floor(row / block) * columns;
    for (let column = 0; column < width; column++, i++) {
      out[to + Math.floor(column / block)] += share * values[i];
    }
  }
  return out;
}

/** Separable convolution with a kernel of odd length. */
function filtered(values: Float64Array, rows: number, columns: number, kernel: Float64Array) {
  const radius = kernel.length >> 1, across = new Float64Array(values.length);
  const padded = new Float64Array(columns + 2 * radius);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < padded.length; i++) {
      padded[i] = values[row * columns + within(i - radius, columns, "reflect")];
    }
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k] * padded[column + k];
      across[row * columns + column] = sum;
    }
  }
  const out = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < kernel.length; k++) {
      const from = within(row + k - radius, rows, "reflect") * columns, weight = kernel[k];
      for (let column = 0; column < columns; column++) {
        out[row * columns + column] += weight * across[from + column];
      }
    }
  }
  return out;
}

/** Linear between the centres of the blocks, constant beyond the outermost (as reflection is there). */
function interpolated(values: Float64Array, rows: number, columns: number, block: number): Rows {
  const line = new Float64Array(columns + 1);
  const before = (at: number) => Math.max(0, Math.floor(at));
  return (row, out) => {
    const y = Math.min((row + 0.5) / block - 0.5, rows - 1), top = before(y);
    const v = Math.max(y - top, 0), next = v > 0 ? columns : 0;
    for (let c = 0; c < columns; c++) {
      const at = top * columns + c;
      line[c] = (1 - v) * values[at] + v * values[at + next];
    }
    line[columns] = line[columns - 1];
    for (let column = 0; column < out.length; column++) {
      const x = (column + 0.5) / block - 0.5, first = before(x);
      out[column] = line[first] + Math.max(x - first, 0) * (line[first + 1] - line[first]);
    }
  };
}

function gaussian(sigma: number, radius: number): Float64Array {
  const kernel = new Float64Array(2 * radius + 1).fill(1);
  if (sigma > 0) {
    kernel.forEach((_, i) => kernel[i] = Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  }
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map((value) => value / sum);
}
