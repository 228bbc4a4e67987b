/** One image's stain made that of another: Macenko's normalization. */
import type { RgbImage } from "../image/mod.ts";

/** How an image is stained. */
export interface Stain {
  /** Optical density (red, green, blue) of haematoxylin and of eosin, each of length 1. */
  vectors: [haematoxylin: Vector, eosin: Vector];
  /** 99th percentile of the concentration of each. */
  strength: [haematoxylin: number, eosin: number];
}

type Vector = [number, number, number];

/** The stain that Macenko's own code maps to, and every implementation since. */
export const MACENKO_REFERENCE: Stain = {
  vectors: [[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]],
  strength: [1.9705, 1.0308],
};

/** Intensity of unstained glass. */
const GLASS = 240;
/** Optical density below which a pixel is glass. */
const FAINT = 0.15;
/** Pixels that the estimate looks at; more change nothing that one could see. */
const SAMPLE = 250_000;
/** Fewer stained pixels say nothing about the stain. */
const FEWEST = 100;

const DENSITY = Float64Array.from({ length: 256 }, (_, v) => -Math.log((v + 1) / GLASS));

/**
 * Estimates the stain of an image: the two extreme directions in the plane that optical densities
 * span. Macenko et al., "A method for normalizing histology slides for quantitative analysis",
 * 2009; the same numbers as torchstain's.
 *
 * @returns null where there are fewer than 100 stained pixels, or all are of one colour
 */
export function estimateStain(image: RgbImage): Stain | null {
  const pixels = image.height * image.width, step = Math.max(1, Math.floor(pixels / SAMPLE));
  const densities: Vector[] = [], stained: Vector[] = [];
  for (let p = 0; p < pixels; p += step) {
    const d: Vector = [0, 1, 2].map((c) => DENSITY[image.data[3 * p + c]]) as Vector;
    densities.push(d);
    if (d[0] >= FAINT && d[1] >= FAINT && d[2] >= FAINT) stained.push(d);
  }
  if (stained.length < FEWEST) return null;
  const [first, second] = principalAxes(covariance(stained));
  const angles = Float64Array.from(stained, (d) => Math.atan2(dot(d, first), dot(d, second)))
    .sort();
  const along = (angle: number) =>
    first.map((v, c) => v * Math.sin(angle) + second[c] * Math.cos(angle)) as Vector;
  const ends = [along(percentile(angles, 1)), along(percentile(angles, 99))];
  // Haematoxylin takes more of the red light.
  const vectors = (ends[0][0] > ends[1][0] ? ends : ends.reverse()) as Stain["vectors"];
  const unmix = unmixing(vectors);
  if (!unmix) return null;
  const strength = [0, 1].map((s) =>
    percentile(Float64Array.from(densities, (d) => dot(d, unmix[s])).sort(), 99)
  ) as Stain["strength"];
  return strength[0] > 0 && strength[1] > 0 ? { vectors, strength } : null;
}

/**
 * The image as if it had been stained like `reference`; a copy of the image itself where no stain
 * can be estimated (empty glass).
 *
 * @param stain of the image; default: estimated from it (for a part of a slide: that of the slide)
 */
export function normalizeStain(
  image: RgbImage,
  reference: Stain = MACENKO_REFERENCE,
  stain: Stain | null = estimateStain(image),
): RgbImage {
  const data = image.data.slice();
  if (!stain) return { ...image, data };
  const [h, e] = unmixing(stain.vectors)!;
  const [sh, se] = [0, 1].map((s) => reference.strength[s] / stain.strength[s]);
  const [hr, er] = reference.vectors;
  for (let p = 0; p < data.length; p += 3) {
    const r = DENSITY[data[p]], g = DENSITY[data[p + 1]], b = DENSITY[data[p + 2]];
    const ch = sh * (h[0] * r + h[1] * g + h[2] * b), ce = se * (e[0] * r + e[1] * g + e[2] * b);
    for (let c = 0; c < 3; c++) {
      const value = GLASS * Math.exp(-ch * hr[c] - ce * er[c]);
      data[p + c] = Math.min(255, Math.floor(value));
    }
  }
  return { ...image, data };
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Rows of the pseudo-inverse of the two stain vectors; null where they are parallel. */
function unmixing([h, e]: Stain["vectors"]): [Vector, Vector] | null {
  const hh = dot(h, h), he = dot(h, e), ee = dot(e, e), det = hh * ee - he * he;
  if (det < 1e-9) return null;
  const row = (a: number, b: number) => h.map((v, c) => (a * v + b * e[c]) / det) as Vector;
  return [row(ee, -he), row(-he, hh)];
}

function covariance(points: Vector[]): number[][] {
  const mean = [0, 1, 2].map((c) => points.reduce((s, p) => s + p[c], 0) / points.length);
  return [0, 1, 2].map((a) =>
    [0, 1, 2].map((b) =>
      points.reduce((s, p) => s + (p[a] - mean[a]) * (p[b] - mean[b]), 0) / (points.length - 1)
    )
  );
}

/** The eigenvectors of the two largest eigenvalues of a symmetric 3 x 3 matrix, largest first (Jacobi). */
function principalAxes(matrix: number[][]): [Vector, Vector] {
  const a = matrix.map((row) => [...row]), q = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let sweep = 0; sweep < 30; sweep++) {
    for (const [i, j] of [[0, 1], [0, 2], [1, 2]]) {
      if (a[i][j] === 0) continue;
      const theta = (a[j][j] - a[i][i]) / (2 * a[i][j]);
      const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
      const c = 1 / Math.hypot(t, 1), s = t * c;
      const rotate = (x: number, y: number) => [c * x - s * y, s * x + c * y];
      for (let k = 0; k < 3; k++) [a[k][i], a[k][j]] = rotate(a[k][i], a[k][j]);
      for (let k = 0; k < 3; k++) {
        [a[i][k], a[j][k]] = rotate(a[i][k], a[j][k]);
        [q[i][k], q[j][k]] = rotate(q[i][k], q[j][k]);
      }
    }
  }
  const order = [0, 1, 2].sort((i, j) => a[j][j] - a[i][i]);
  // Densities are positive, so their first axis points to the positive side.
  const first = q[order[0]].reduce((s, v) => s + v, 0) < 0 ? -1 : 1;
  return [q[order[0]].map((v) => v * first) as Vector, q[order[1]] as Vector];
}

/** Linear interpolation between order statistics, as NumPy's `percentile`. */
function percentile(sorted: Float64Array, share: number): number {
  const at = (sorted.length - 1) * share / 100, low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}
