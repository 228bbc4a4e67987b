/** Augmentations made of augmentations. */
import type { Random } from "../base/mod.ts";
import { type Augmentation, checkProbability, type Sample } from "./types.ts";

/** Applies `augmentation` with its probability; draws one number to decide. */
export function applyMaybe(augmentation: Augmentation, sample: Sample, random: Random): Sample {
  return random.next() < augmentation.probability ? augmentation.apply(sample, random) : sample;
}

/** One after the other, each with its own probability (albumentations' `Compose`). */
export function compose(augmentations: readonly Augmentation[], probability = 1): Augmentation {
  return {
    name: "Compose",
    probability: checkProbability("Compose", probability),
    apply: (sample, random) => augmentations.reduce((s, a) => applyMaybe(a, s, random), sample),
  };
}

/**
 * Exactly one of them, chosen with the probabilities of its members as weights (albumentations'
 * `OneOf`: the chosen one is always applied).
 *
 * @throws {RangeError} when there is none, or all weights are 0
 */
export function oneOf(augmentations: readonly Augmentation[], probability = 0.5): Augmentation {
  const total = augmentations.reduce((sum, a) => sum + a.probability, 0);
  if (!(total > 0)) {
    throw new RangeError(
      `OneOf needs a member with a positive probability, got ${augmentations.length} members`,
    );
  }
  return {
    name: "OneOf",
    probability: checkProbability("OneOf", probability),
    apply(sample, random) {
      let left = random.next() * total;
      const chosen = augmentations.find((a) => (left -= a.probability) < 0) ??
        augmentations[augmentations.length - 1];
      return chosen.apply(sample, random);
    },
  };
}
