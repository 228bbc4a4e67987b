/** What JPEG does to pixels, without writing a file: the same numbers on every machine. */

/** Quantization tables of ITU-T T.81, Annex K: luminance and chrominance. */
const LUMINANCE = [
  [16, 11, 10, 16, 24, 40, 51, 61],
  [12, 12, 14, 19, 26, 58, 60, 55],
  [14, 13, 16, 24, 40, 57, 69, 56],
  [14, 17, 22, 29, 51, 87, 80, 62],
  [18, 22, 37, 56, 68, 109, 103, 77],
  [24, 35, 55, 64, 81, 104, 113, 92],
  [49, 64, 78, 87, 103, 121, 120, 101],
  [72, 92, 95, 98, 112, 100, 103, 99],
].flat();
const CHROMINANCE = [
  [17, 18, 24, 47, 99, 99, 99, 99],
  [18, 21, 26, 66, 99, 99, 99, 99],
  [24, 26, 56, 99, 99, 99, 99, 99],
  [47, 66, 99, 99, 99, 99, 99, 99],
  [99, 99, 99, 99, 99, 99, 99, 99],
  [99, 99, 99, 99, 99, 99, 99, 99],
  [99, 99, 99, 99, 99, 99, 99, 99],
  [99, 99, 99, 99, 99, 99, 99, 99],
].flat();

/** cos((2x + 1) u π / 16), scaled to an orthonormal transform: row u, column x. */
const BASIS = Float32Array.from({ length: 64 }, (_, k) => {
  const u = k >> 3, x = k & 7;
  return (u === 0 ? Math.SQRT1_2 : 1) / 2 * Math.cos((2 * x + 1) * u * Math.PI / 16);
});

function scaledTable(base: number[], quality: number): Float32Array {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return Float32Array.from(base, (v) => Math.max(1, Math.floor((v * scale + 50) / 100)));
}

/**
 * Passes RGB planes through the lossy part of baseline JPEG with 4:2:0 chrominance, in place.
 *
 * @param planes three planes of `height` x `width` values in [0, 255]
 * @param quality 1 to 100, as libjpeg counts
 */
export function passJpeg(
  planes: [Float32Array, Float32Array, Float32Array],
  height: number,
  width: number,
  quality: number,
): void {
  const [red, green, blue] = planes;
  const w2 = (width + 1) >> 1, h2 = (height + 1) >> 1;
  const luma = new Float32Array(height * width);
  const cb = new Float32Array(h2 * w2), cr = new Float32Array(h2 * w2);
  const counts = new Uint8Array(h2 * w2);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const r = red[i], g = green[i], b = blue[i];
      luma[i] = 0.299 * r + 0.587 * g + 0.114 * b - 128;
      const k = (y >> 1) * w2 + (x >> 1);
      cb[k] += -0.168736 * r - 0.331264 * g + 0.5 * b;
      cr[k] += 0.5 * r - 0.418688 * g - 0.081312 * b;
      counts[k]++;
    }
  }
  for (let k = 0; k < counts.length; k++) {
    cb[k] /= counts[k];
    cr[k] /= counts[k];
  }
  quantize(luma, height, width, scaledTable(LUMINANCE, quality));
  const chroma = scaledTable(CHROMINANCE, quality);
  quantize(cb, h2, w2, chroma);
  quantize(cr, h2, w2, chroma);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const k = (y >> 1) * w2 + (x >> 1);
      const l = luma[i] + 128;
      red[i] = l + 1.402 * cr[k];
      green[i] = l - 0.344136 * cb[k] - 0.714136 * cr[k];
      blue[i] = l + 1.772 * cb[k];
    }
  }
}

/** Rounds every 8 x 8 block's cosine coefficients to the table's steps; edges repeat. */
function quantize(plane: Float32Array, height: number, width: number, table: Float32Array): void {
  const block = new Float32Array(64), half = new Float32Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      for (let y = 0; y < 8; y++) {
        const row = Math.min(height - 1, top + y) * width;
        for (let x = 0; x < 8; x++) block[8 * y + x] = plane[row + Math.min(width - 1, left + x)];
      }
      transform(block, half, false);
      for (let k = 0; k < 64; k++) block[k] = Math.round(block[k] / table[k]) * table[k];
      transform(block, half, true);
      for (let y = 0; y < 8 && top + y < height; y++) {
        for (let x = 0; x < 8 && left + x < width; x++) {
          plane[(top + y) * width + left + x] = block[8 * y + x];
        }
      }
    }
  }
}

/** The two-dimensional cosine transform of an 8 x 8 block, or its inverse, in place. */
function transform(block: Float32Array, half: Float32Array, inverse: boolean): void {
  const su = inverse ? 1 : 8, sx = inverse ? 8 : 1;
  for (let y = 0; y < 64; y += 8) {
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      for (let x = 0; x < 8; x++) sum += BASIS[u * su + x * sx] * block[y + x];
      half[y + u] = sum;
    }
  }
  for (let x = 0; x < 8; x++) {
    for (let u = 0; u < 8; u++) {
      let sum = 0;
      for (let y = 0; y < 8; y++) sum += BASIS[u * su + y * sx] * half[8 * y + x];
      block[8 * u + x] = sum;
    }
  }
}
