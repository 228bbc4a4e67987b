import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import { pairedDifferences } from "../../lib/evaluation/paired.ts";
import { confidenceIntervals, poolScores } from "../../lib/evaluation/pooled.ts";
import type { ImageScores } from "../../lib/evaluation/scores.ts";

const random = createRandom(9).fork("paired");

/** Two ways to segment 60 images: images differ much, the ways by 0.02 and a little noise. */
const [first, second] = (() => {
  const images = Array.from({ length: 60 }, (_, i) => {
    const hard = 0.4 + 0.5 * random.next(), noise = 0.01 * (random.next() - 0.5);
    return { image: `${i}`, dice: [hard + 0.02 + noise, hard], found: 3 + i % 4 };
  });
  return [0, 1].map((way) =>
    images.map(({ image, dice, found }): ImageScores => {
      const side = { area: 100, dice: 100 * dice[way], hausdorff: 900 - way };
      return {
        ...{ image, dice: dice[way], sums: { predicted: side, truth: side } },
        ...{ truePositives: found, falsePositives: way, falseNegatives: 1 },
        ...{ crypts: found + 1, predictedCrypts: found + way },
      } as ImageScores;
    })
  );
})();

Deno.test("paired differences are those of the pooled scores, whatever the order of the images", () => {
  const [a, b] = [poolScores(first), poolScores(second)];
  const found = pairedDifferences(first, second.toReversed(), { repeats: 50 });
  for (const key of ["dice", "f1", "precision", "objectDice", "objectHausdorff"] as const) {
    assert.ok(Math.abs(found[key].value - (a[key] - b[key])) < 1e-12, key);
  }
  const back = pairedDifferences(second, first.toReversed(), { repeats: 50 });
  assert.ok(Math.abs(back.dice.value + found.dice.value) < 1e-12);
});

Deno.test("a paired difference has the normal approximation's interval and tells ways apart whose own intervals overlap", () => {
  const { dice } = pairedDifferences(first, second, { seed: 3 });
  const differences = first.map((score, i) => score.dice - second[i].dice);
  const mean = differences.reduce((a, b) => a + b) / differences.length;
  const variance = differences.reduce((sum, d) => sum + (d - mean) ** 2, 0) / differences.length;
  const half = 1.96 * Math.sqrt(variance / differences.length);
  assert.ok(Math.abs(dice.low - (mean - half)) < 0.2 * half, `${dice.low}, ${mean - half}`);
  assert.ok(Math.abs(dice.high - (mean + half)) < 0.2 * half, `${dice.high}, ${mean + half}`);
  const [low] = confidenceIntervals(first).dice, [, high] = confidenceIntervals(second).dice;
  assert.ok(low < high, "their own intervals overlap");
  assert.ok(dice.low > 0, "the difference is not 0");
});

Deno.test("a way compared with itself differs by nothing", () => {
  const { dice, f1 } = pairedDifferences(first, first, { repeats: 50 });
  assert.deepEqual([dice, f1], [{ value: 0, low: 0, high: 0 }, { value: 0, low: 0, high: 0 }]);
});

Deno.test("groups are drawn as a whole, and sides with other images are refused by name", () => {
  const width = (groupOf?: (image: string) => string) => {
    const moved = first.map((score, i) => ({
      ...score,
      dice: second[i].dice + (i < 30 ? 0 : 0.1),
    }));
    const { low, high } = pairedDifferences(moved, second, { repeats: 500, groupOf }).dice;
    return high - low;
  };
  assert.ok(width((image) => `${Math.floor(Number(image) / 10)}`) > 1.8 * width());
  const strange = [{ ...first[0], image: "stranger" }, ...first.slice(1)];
  assert.throws(() => pairedDifferences(strange, second), /same images.*stranger/);
  assert.throws(() => pairedDifferences(first.slice(1), second), /same images.*59 and 60/);
});
