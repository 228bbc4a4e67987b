/** CIE L*a*b* (D65) and sRGB, byte by byte as OpenCV and in floating point. */

/** sRGB to XYZ, and back, and the white point: OpenCV's numbers. */
const TO_XYZ = [
  ...[0.412453, 0.357580, 0.180423],
  ...[0.212671, 0.715160, 0.072169],
  ...[0.019334, 0.119193, 0.950227],
];
const FROM_XYZ = [
  ...[3.240479, -1.53715, -0.498535],
  ...[-0.969256, 1.875991, 0.041556],
  ...[0.055648, -0.204043, 1.057311],
];
const WHITE = [0.950456, 1, 1.088754];

/** Intensity of each byte, 0 to 1. */
const LINEAR = Float64Array.from({ length: 256 }, (_, byte) => {
  const value = byte / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/** The byte (times one, not rounded) of each intensity, in steps of 1/FINE. */
const FINE = 16384;
const BYTE = Float32Array.from({ length: FINE + 1 }, (_, i) => {
  const value = i / FINE;
  return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
});

const cubeRoot = (t: number) => t < 216 / 24389 ? t * 841 / 108 + 16 / 116 : Math.cbrt(t);

// OpenCV's integers: intensities in 2040ths, cube roots in 32768ths, coefficients in 4096ths.
const INTENSITY = Uint16Array.from(LINEAR, (value) => Math.round(2040 * value));
const ROOT = Uint16Array.from(
  { length: 3072 },
  (_, i) => Math.min(65535, Math.round(32768 * cubeRoot(i / 2040))),
);
const COEFFICIENT = Int32Array.from(
  TO_XYZ,
  (value, i) => Math.round(4096 * value / WHITE[Math.floor(i / 3)]),
);

/**
 * RGB bytes to L, a and b bytes (L·255/100, a + 128, b + 128), as OpenCV's `COLOR_RGB2LAB`.
 *
 * @param data RGB, interleaved
 * @returns L, a, b, interleaved
 */
export function rgbToLabBytes(data: Uint8Array): Uint8Array {
  const [xr, xg, xb, yr, yg, yb, zr, zg, zb] = COEFFICIENT, out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const r = INTENSITY[data[i]], g = INTENSITY[data[i + 1]], b = INTENSITY[data[i + 2]];
    const x = ROOT[(r * xr + g * xg + b * xb + 2048) >> 12];
    const y = ROOT[(r * yr + g * yg + b * yb + 2048) >> 12];
    const z = ROOT[(r * zr + g * zg + b * zb + 2048) >> 12];
    out[i] = clampByte((296 * y - 1336934 + 16384) >> 15);
    out[i + 1] = clampByte((500 * (x - y) + (128 << 15) + 16384) >> 15);
    out[i + 2] = clampByte((200 * (y - z) + (128 << 15) + 16384) >> 15);
  }
  return out;
}

/** The way back, as `COLOR_LAB2RGB` to within a level: colours outside sRGB are cut to it. */
export function labBytesToRgb(lab: Uint8Array): Uint8Array {
  const out = new Uint8Array(lab.length), rgb = new Float64Array(3);
  for (let i = 0; i < lab.length; i += 3) {
    labToRgb(lab[i] * (100 / 255), lab[i + 1] - 128, lab[i + 2] - 128, rgb);
    out[i] = rgb[0] + 0.5;
    out[i + 1] = rgb[1] + 0.5;
    out[i + 2] = rgb[2] + 0.5;
  }
  return out;
}

/** One colour from bytes to L* (0 to 100), a* and b*, written to `lab`. */
export function rgbToLab(r: number, g: number, b: number, lab: Float64Array): void {
  const [lr, lg, lb] = [LINEAR[r], LINEAR[g], LINEAR[b]];
  const m = TO_XYZ;
  const x = cubeRoot((m[0] * lr + m[1] * lg + m[2] * lb) / WHITE[0]);
  const y = cubeRoot(m[3] * lr + m[4] * lg + m[5] * lb);
  const z = cubeRoot((m[6] * lr + m[7] * lg + m[8] * lb) / WHITE[2]);
  lab[0] = 116 * y - 16;
  lab[1] = 500 * (x - y);
  lab[2] = 200 * (y - z);
}

/** One colour from L*, a*, b* to levels of 0 to 255, not rounded, cut to sRGB, written to `rgb`. */
export function labToRgb(l: number, a: number, b: number, rgb: Float64Array): void {
  const fy = (l + 16) / 116, m = FROM_XYZ;
  const x = WHITE[0] * cube(fy + a / 500), y = cube(fy), z = WHITE[2] * cube(fy - b / 200);
  rgb[0] = level(m[0] * x + m[1] * y + m[2] * z);
  rgb[1] = level(m[3] * x + m[4] * y + m[5] * z);
  rgb[2] = level(m[6] * x + m[7] * y + m[8] * z);
}

function cube(t: number): number {
  return t > 6 / 29 ? t * t * t : (t - 16 / 116) * (108 / 841);
}

function level(intensity: number): number {
  if (intensity <= 0) return 0;
  return intensity >= 1 ? 255 : BYTE[(intensity * FINE + 0.5) | 0];
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
