/** How probabilities become crypts, chosen on images that the models have not seen. */
import { diceScore } from "../annotation/mod.ts";
import { type Crypt, cryptsOfLabels, findCrypts, smallestCrypt } from "../crypts/mod.ts";
import {
  overlapCrypts,
  type PoolableScores,
  type PooledScores,
  poolScores,
  scoreObjects,
} from "../evaluation/mod.ts";
import type { LabelMask } from "../image/mod.ts";
import type { Decision } from "../training/mod.ts";
import { classesOf } from "./pipeline.ts";
import { cutProbability } from "./predict.ts";

/** An image's maps and truth, all of the size of `labels`. */
export interface UnseenMaps {
  image: string;
  /** What is held out together when a choice is judged, e.g. the fold or the patient. */
  group: string;
  /** Probability of crypt, in [0, 1]. */
  probability: Float32Array;
  /** Probability of the boundary; null for models of two classes. */
  boundary: Float32Array | null;
  labels: LabelMask;
  /** µm per pixel of `labels`; null: `minAreaUm2` is not used, but 500 pixels, as in inference. */
  pixelSize: number | null;
}

/** The values that are tried, each with each. */
export type DecisionGrid = { readonly [K in keyof Required<Decision>]: readonly number[] };

/** Values around those that were best so far, for maps with test-time augmentation. */
export const DECISION_GRID: DecisionGrid = {
  threshold: [0.35, 0.4, 0.45, 0.5, 0.55],
  interior: [0, 0.2, 0.4, 0.6, 0.7],
  minProbability: [0, 0.6, 0.65, 0.7, 0.75, 0.8],
  minAreaUm2: [200, 400, 800],
};

/** Scores of a decision over images: the mean pixel Dice, else over the crypts of all images. */
export type DecisionScores = Pick<
  PooledScores,
  "dice" | "f1" | "precision" | "recall" | "objectDice"
>;

/** A decision and what it reaches. */
export interface JudgedDecision {
  decision: Required<Decision>;
  scores: DecisionScores;
}

/** Scores of all decisions of a grid on images given one after the other. */
export class DecisionSearch {
  readonly decisions: readonly Required<Decision>[];
  private readonly images: { image: string; group: string; scores: PoolableScores[] }[] = [];

  /**
   * @throws {RangeError} when a setting has no value
   * @example
   * ```ts
   * import { DecisionSearch } from "crypts/inference";
   * const grid = { threshold: [0.4, 0.5], interior: [0], minProbability: [0], minAreaUm2: [0] };
   * const search = new DecisionSearch(grid);
   * search.add({
   *   ...{ image: "a", group: "fold 0", boundary: null, pixelSize: 1 },
   *   probability: Float32Array.from([0.9, 0.45, 0.1]),
   *   labels: { data: Uint16Array.from([1, 0, 0]), height: 1, width: 3 },
   * });
   * search.best().decision.threshold; // 0.5
   * ```
   */
  constructor(private readonly grid: DecisionGrid = DECISION_GRID) {
    for (const [key, values] of Object.entries(grid)) {
      if (values.length === 0) throw new RangeError(`${key} needs at least one value to try`);
    }
    this.decisions = grid.threshold.flatMap((threshold) =>
      grid.interior.flatMap((interior) =>
        grid.minProbability.flatMap((minProbability) =>
          grid.minAreaUm2.map((minAreaUm2) => ({ threshold, interior, minProbability, minAreaUm2 }))
        )
      )
    );
  }

  /** @throws {RangeError} when the sizes of maps and labels differ */
  add(maps: UnseenMaps): void {
    const truth = cryptsOfLabels(maps.labels);
    const pixelsOfTruth = Uint8Array.from(maps.labels.data, (label) => label === 0 ? 0 : 1);
    const { minProbability, minAreaUm2, interior } = this.grid, { pixelSize } = maps;
    const scores: PoolableScores[] = [];
    for (const threshold of this.grid.threshold) {
      const dice = diceScore(cutProbability(maps.probability, threshold), pixelsOfTruth);
      for (const margin of interior) {
        const all = cryptsFrom(maps, threshold, margin), known = new Map<string, PoolableScores>();
        for (const least of minProbability) {
          for (const area of minAreaUm2) {
            const pixels = smallestCrypt(pixelSize, area);
            const kept = all.filter((c) => c.area >= pixels && (c.probability ?? 1) >= least);
            const key = kept.map(({ id }) => id).join();
            const found = known.get(key) ?? { dice, ...objectsOf(kept, truth) };
            known.set(key, found);
            scores.push(found);
          }
        }
      }
    }
    this.images.push({ image: maps.image, group: maps.group, scores });
  }

  /**
   * The decision with the largest sum of object F1 and object Dice, the first of equals.
   *
   * @param group left out; default none
   * @throws {RangeError} when no image is left
   */
  best(group?: string): JudgedDecision {
    const images = this.images.filter((one) => one.group !== group);
    if (images.length === 0) throw new RangeError("a decision needs images to choose it on");
    const worth = ({ scores: { f1, objectDice } }: JudgedDecision) => f1 + objectDice;
    return this.decisions
      .map((decision, i) => ({ decision, scores: scoresOf(images.map((one) => one.scores[i])) }))
      .reduce((a, b) => worth(b) > worth(a) ? b : a);
  }

  /** The scores of `decision`, which must be one of {@link decisions}, on all images. */
  scores(decision: Required<Decision>): DecisionScores {
    const at = this.decisions.indexOf(decision);
    if (at < 0) throw new RangeError(`not tried: ${JSON.stringify(decision)}`);
    return scoresOf(this.images.map((one) => one.scores[at]));
  }

  /**
   * What choosing is worth: each group's images with the decision that was chosen on the others.
   *
   * @throws {RangeError} when there are fewer than two groups
   */
  heldOut(): { scores: DecisionScores; chosen: { group: string; decision: Required<Decision> }[] } {
    const groups = [...new Set(this.images.map(({ group }) => group))];
    if (groups.length < 2) throw new RangeError(`choices are judged by groups, got ${groups}`);
    const chosen = groups.map((group) => ({ group, decision: this.best(group).decision }));
    const scores = chosen.flatMap(({ group, decision }) => {
      const at = this.decisions.indexOf(decision);
      return this.images.filter((one) => one.group === group).map((one) => one.scores[at]);
    });
    return { scores: scoresOf(scores), chosen };
  }
}

/** All crypts that a threshold and a margin give, none dropped. */
function cryptsFrom(
  { labels, probability, boundary }: UnseenMaps,
  threshold: number,
  margin: number,
) {
  const { height, width } = labels, classes = classesOf(probability, boundary, threshold, margin);
  const mask = { data: classes.map((value) => value === 0 ? 0 : 1), height, width };
  const interior = boundary && classes.map((value) => value === 1 ? 1 : 0);
  return findCrypts(mask, {}, { probability, interior });
}

function objectsOf(predicted: readonly Crypt[], truth: readonly Crypt[]) {
  return {
    ...scoreObjects(overlapCrypts(predicted, truth), false),
    predictedCrypts: predicted.length,
    crypts: truth.length,
  };
}

/** Without distances, which were not measured. */
function scoresOf(scores: readonly PoolableScores[]): DecisionScores {
  const { dice, f1, precision, recall, objectDice } = poolScores(scores);
  return { dice, f1, precision, recall, objectDice };
}
