/** When a prediction is not to be believed: figures of one image that need no annotation. */
import type { RgbImage } from "../image/mod.ts";
import { GLASS_LEVEL } from "./glass.ts";

/** How an image and its prediction look. */
export interface Trust {
  /**
   * Mean entropy, in bits, of the pixels that may be crypt (probability above 0.05): near 0 where the
   * models are sure of what they call crypt, towards 1 where they guess. 0 where no pixel may be crypt.
   */
  entropy: number;
  /** Share of the pixels with a probability in [0.25, 0.75] among those that may be crypt. */
  undecided: number;
  /** Share of all pixels that is crypt (above 0.5). */
  foreground: number;
  /**
   * Root mean square, over the channels, of how far the tissue's mean optical density lies from that
   * of the training images, in their standard deviations; null where the models do not say theirs.
   */
  stainDistance: number | null;
  /** Why the result needs a look; null where nothing is unusual. */
  warning: string | null;
}

/** The tissue's mean optical density over the training images, per channel (red, green, blue). */
export interface TrustRange {
  mean: readonly [number, number, number];
  /** Standard deviation between images. */
  deviation: readonly [number, number, number];
}

/** Entropy above it is warned of, see docs/inference.md for where it comes from. */
export const ENTROPY_LIMIT = 0.5;
/** Standard deviations from the training's stain above which it is warned. */
export const STAIN_LIMIT = 3;

const MAY_BE_CRYPT = 0.05;
const DENSITY = Float64Array.from({ length: 256 }, (_, v) => -Math.log10((v + 1) / 256));

/** Collects {@link Trust} band by band. */
export class TrustCollector {
  private pixels = 0;
  private candidates = 0;
  private undecided = 0;
  private crypt = 0;
  private entropy = 0;
  private tissue = 0;
  private readonly density = [0, 0, 0];

  constructor(private readonly range: TrustRange | null) {}

  /**
   * Adds rows.
   *
   * @param image rows as the models saw them
   * @param probability of crypt in rows of the result, which may have another size
   */
  push(image: RgbImage, probability: Float32Array): void {
    this.pixels += probability.length;
    for (let i = 0; i < probability.length; i++) {
      const p = probability[i];
      if (!(p > MAY_BE_CRYPT)) continue;
      this.candidates++;
      if (p > 0.5) this.crypt++;
      if (p >= 0.25 && p <= 0.75) this.undecided++;
      if (p < 1) this.entropy -= p * Math.log2(p) + (1 - p) * Math.log2(1 - p);
    }
    if (!this.range) return;
    const { data } = image;
    for (let i = 0; i + 2 < data.length; i += 3) {
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      if (r >= GLASS_LEVEL && g >= GLASS_LEVEL && b >= GLASS_LEVEL) continue;
      this.tissue++;
      this.density[0] += DENSITY[r];
      this.density[1] += DENSITY[g];
      this.density[2] += DENSITY[b];
    }
  }

  /** The figures over all rows. */
  result(): Trust {
    const { candidates, pixels } = this;
    const share = (count: number, of: number) => of > 0 ? count / of : 0;
    const stainDistance = this.stainDistance();
    const entropy = share(this.entropy, candidates);
    return {
      entropy,
      undecided: share(this.undecided, candidates),
      foreground: share(this.crypt, pixels),
      stainDistance,
      warning: warningOf(entropy, this.crypt, stainDistance),
    };
  }

  private stainDistance(): number | null {
    if (!this.range || this.tissue === 0) return null;
    const { mean, deviation } = this.range;
    const squares = this.density.map((sum, c) =>
      ((sum / this.tissue - mean[c]) / Math.max(deviation[c], 1e-3)) ** 2
    );
    return Math.sqrt(squares.reduce((a, b) => a + b) / 3);
  }
}

function warningOf(entropy: number, crypt: number, stain: number | null): string | null {
  const reasons: string[] = [];
  if (crypt === 0) reasons.push("no crypt was found");
  if (entropy > ENTROPY_LIMIT) {
    reasons.push(`the models are unsure (${entropy.toFixed(2)} bits, usual is < ${ENTROPY_LIMIT})`);
  }
  if (stain !== null && stain > STAIN_LIMIT) {
    reasons.push(`its stain is ${stain.toFixed(1)} standard deviations from that of the training`);
  }
  return reasons.length > 0 ? reasons.join("; ") : null;
}
