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
  /**
   * The Dice that the mask would have if the probabilities were true: twice their sum within the mask,
   * divided by the mask's size plus their sum over the image. Near 1 where the models see crypts and
   * nothing in between; 0 where no pixel is crypt.
   */
  expectedDice: number;
  /** Share of all pixels that is crypt (above the threshold). */
  foreground: number;
  /**
   * Root mean square, over the channels, of how far the tissue's mean optical density lies from that
   * of the training images, in their standard deviations; null where the models do not say theirs.
   */
  stainDistance: number | null;
  /** Why the result needs a look; null where nothing is unusual. */
  warning: string | null;
}

/** What a model says of the images that it knows, in its metadata `crypts.training`. */
export interface TrustReference {
  /** The tissue's mean optical density ({@link tissueDensity}) over its training images. */
  stain: StainRange | null;
  /** The expected Dice below which it is not to be believed; null: {@link DICE_LIMIT}. */
  diceLimit: number | null;
}

/** A mean and the standard deviation between images, per channel (red, green, blue). */
export interface StainRange {
  mean: readonly [number, number, number];
  deviation: readonly [number, number, number];
}

/** An expected Dice below it is warned of, see docs/inference.md for where it comes from. */
export const DICE_LIMIT = 0.85;
/** Standard deviations from the training's stain above which it is warned. */
export const STAIN_LIMIT = 3;

const MAY_BE_CRYPT = 0.05;
const DENSITY = Float64Array.from({ length: 256 }, (_, v) => -Math.log10((v + 1) / 256));

/** Collects {@link Trust} band by band. */
export class TrustCollector {
  private pixels = 0;
  private candidates = 0;
  private crypt = 0;
  /** Sums of probabilities, within the mask and over all pixels. */
  private inside = 0;
  private all = 0;
  private entropy = 0;
  private readonly tissue = new DensitySum();

  /** @param threshold probabilities above it are crypt: the one that the mask is made with */
  constructor(
    private readonly reference: TrustReference | null = null,
    private readonly threshold = 0.5,
  ) {}

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
      this.all += p;
      if (p > this.threshold) {
        this.crypt++;
        this.inside += p;
      }
      if (!(p > MAY_BE_CRYPT)) continue;
      this.candidates++;
      if (p < 1) this.entropy -= p * Math.log2(p) + (1 - p) * Math.log2(1 - p);
    }
    if (this.reference?.stain) this.tissue.push(image);
  }

  /** The figures over all rows. */
  result(): Trust {
    const { candidates, pixels } = this;
    const share = (count: number, of: number) => of > 0 ? count / of : 0;
    const stainDistance = this.stainDistance();
    const entropy = share(this.entropy, candidates);
    const expectedDice = share(2 * this.inside, this.crypt + this.all);
    return {
      entropy,
      expectedDice,
      foreground: share(this.crypt, pixels),
      stainDistance,
      // Crypts are not found yet: where there is a pixel, there may be one.
      warning: warningOf({ expectedDice, stainDistance }, this.reference, {
        crypts: this.crypt,
        pixels: this.crypt,
      }),
    };
  }

  private stainDistance(): number | null {
    const own = this.tissue.mean(), known = this.reference?.stain;
    if (!known || !own) return null;
    const squares = own.map((value, c) =>
      ((value - known.mean[c]) / Math.max(known.deviation[c], 1e-3)) ** 2
    );
    return Math.sqrt(squares.reduce((a, b) => a + b) / 3);
  }
}

/**
 * The mean optical density (base 10, of 256 grey levels) of an image's tissue per channel: of the pixels
 * that are no glass. Null where there is none. A trainer takes mean and deviation of it over its images
 * for {@link TrustReference.stain}.
 *
 * @example
 * ```ts
 * import { tissueDensity } from "crypts/inference";
 * tissueDensity({ data: new Uint8Array(3).fill(255), height: 1, width: 1 }); // null: glass
 * ```
 */
export function tissueDensity(image: RgbImage): [number, number, number] | null {
  const sum = new DensitySum();
  sum.push(image);
  return sum.mean();
}

class DensitySum {
  private pixels = 0;
  private readonly sums = [0, 0, 0];

  push({ data }: RgbImage): void {
    for (let i = 0; i + 2 < data.length; i += 3) {
      const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
      if (r >= GLASS_LEVEL && g >= GLASS_LEVEL && b >= GLASS_LEVEL) continue;
      this.pixels++;
      this.sums[0] += DENSITY[r];
      this.sums[1] += DENSITY[g];
      this.sums[2] += DENSITY[b];
    }
  }

  mean(): [number, number, number] | null {
    const [r, g, b] = this.sums, n = this.pixels;
    return n > 0 ? [r / n, g / n, b / n] : null;
  }
}

/**
 * The warning of an image, from its figures and what was found in it.
 *
 * @param found the crypts, and the pixels above the threshold
 * @param concerns other reasons
 */
export function warningOf(
  { expectedDice, stainDistance }: Pick<Trust, "expectedDice" | "stainDistance">,
  reference: TrustReference | null,
  found: { crypts: number; pixels: number },
  concerns: readonly string[] = [],
): string | null {
  const reasons: string[] = [];
  if (found.crypts === 0) {
    const rest =
      `, but ${found.pixels} pixels are above the threshold, in parts too small or too ` +
      "improbable to count";
    reasons.push(`no crypt was found${found.pixels > 0 ? rest : ""}`);
  } else if (expectedDice < (reference?.diceLimit ?? DICE_LIMIT)) {
    reasons.push(`the models are unsure (they expect a Dice of ${expectedDice.toFixed(2)})`);
  }
  if (stainDistance !== null && stainDistance > STAIN_LIMIT) {
    const distance = stainDistance.toFixed(1);
    reasons.push(`the stain is ${distance} standard deviations from that of the training`);
  }
  reasons.push(...concerns);
  return reasons.length > 0 ? reasons.join("; ") : null;
}
