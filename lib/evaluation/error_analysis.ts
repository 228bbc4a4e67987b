/** Why the prediction fails: what failed crypts have in common. */
import type { CryptOutcome } from "./outcomes.ts";

/** A property, and how well it tells failed crypts from the others. */
export interface FailureProperty {
  property: "size" | "border" | "shape" | "crowding" | "brightness" | "stain" | "outline";
  /** What failed crypts are, in words: "smaller", "touching the border", … */
  failedAre: string;
  /** Medians (for the border: shares) of failed crypts and of the others. */
  failed: number;
  others: number;
  /**
   * Probability that a failed crypt has more of `failedAre` than another one, ties counting half:
   * 0.5 is chance, 1 tells them apart (area under the ROC curve, the Mann-Whitney statistic).
   */
  auroc: number;
  /** Two-sided p of the Mann-Whitney test, normal approximation with ties, for this property alone. */
  p: number;
}

const PROPERTIES: [
  FailureProperty["property"],
  (outcome: CryptOutcome) => number,
  more: string,
  less: string,
][] = [
  ["size", (f) => f.area, "larger", "smaller"],
  ["border", (f) => f.border ? 1 : 0, "touching the image's border", "away from the border"],
  ["shape", (f) => f.circularity, "rounder", "less round"],
  ["crowding", (f) => f.gap, "further from their neighbours", "closer to their neighbours"],
  ["brightness", (f) => f.brightness, "brighter", "darker"],
  ["stain", (f) => f.haematoxylin, "richer in haematoxylin", "poorer in haematoxylin"],
  ["outline", (f) => f.rimContrast, "sharper in outline", "fainter in outline"],
];

/**
 * What failed crypts of one side have in common: each property's power to tell them from the found
 * ones, strongest first. Properties hang together (small crypts are often cut at the border): this
 * points to causes, it does not prove them.
 *
 * @param outcomes of one side: missed and merged (truth), or fragments and spurious ones (predicted)
 *   against found
 * @returns empty when no crypt failed, or all did
 */
export function rankFailureProperties(outcomes: readonly CryptOutcome[]): FailureProperty[] {
  const failed = outcomes.filter((f) => f.outcome !== "found");
  const others = outcomes.filter((f) => f.outcome === "found");
  if (failed.length === 0 || others.length === 0) return [];
  return PROPERTIES.map(([property, of, more, less]): FailureProperty => {
    const a = failed.map(of), b = others.map(of);
    const { auroc, p } = mannWhitney(a, b);
    const middle = property === "border" ? mean : median;
    return {
      property,
      failedAre: auroc >= 0.5 ? more : less,
      failed: middle(a),
      others: middle(b),
      auroc: Math.max(auroc, 1 - auroc),
      p,
    };
  }).sort((x, y) => y.auroc - x.auroc);
}

function mannWhitney(a: readonly number[], b: readonly number[]): { auroc: number; p: number } {
  const all = [
    ...a.map((value) => ({ value, ours: true })),
    ...b.map((value) => ({ value, ours: false })),
  ]
    .sort((x, y) => x.value < y.value ? -1 : x.value > y.value ? 1 : 0);
  let ranks = 0, ties = 0;
  for (let i = 0; i < all.length;) {
    let j = i;
    while (j < all.length && all[j].value === all[i].value) j++;
    // Equal values share the mean of their ranks i + 1 … j.
    for (let k = i; k < j; k++) if (all[k].ours) ranks += (i + 1 + j) / 2;
    ties += (j - i) ** 3 - (j - i);
    i = j;
  }
  const n = a.length, m = b.length, total = n + m;
  const u = ranks - n * (n + 1) / 2;
  const variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)));
  const z = variance > 0 ? Math.max(0, Math.abs(u - n * m / 2) - 0.5) / Math.sqrt(variance) : 0;
  return { auroc: u / (n * m), p: Math.min(1, 2 * upperTail(z)) };
}

/** 1 - Φ(z) for z >= 0 (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.319381530 +
    t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * series;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
