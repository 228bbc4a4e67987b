import assert from "node:assert/strict";
import { findCrypts } from "../../lib/crypts/find.ts";
import { cryptsOfLabels } from "../../lib/crypts/labels.ts";
import { poolScores } from "../../lib/evaluation/pooled.ts";
import { scoreCrypts } from "../../lib/evaluation/scores.ts";
import { DecisionSearch, type UnseenMaps } from "../../lib/inference/choose_decision.ts";
import { classesOf } from "../../lib/inference/pipeline.ts";
import { createRandom } from "../../lib/base/random.ts";

const SIDE = 48;

/** Two discs that touch, whose boundary is seen between them as often as `clear` says, and a faint spot. */
function drawn(image: string, group: string, seed: number): UnseenMaps {
  const random = createRandom(seed), labels = new Uint16Array(SIDE * SIDE);
  const probability = new Float32Array(SIDE * SIDE), boundary = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const i = y * SIDE + x, one = Math.hypot(y - 16, x - 12), two = Math.hypot(y - 16, x - 31);
      if (one <= 9.5) labels[i] = 1;
      else if (two <= 9.5) labels[i] = 2;
      const near = Math.min(one, two);
      probability[i] = Math.max(0.02, Math.min(0.95, 0.95 - 0.2 * (near - 9))) -
        0.04 * random.next();
      boundary[i] = Math.max(0, 0.35 - 0.08 * Math.abs(near - 8.5));
      if (Math.hypot(y - 40, x - 40) < 4) probability[i] = 0.6;
    }
  }
  return {
    ...{ image, group, probability, boundary, pixelSize: 2 },
    labels: { data: labels, height: SIDE, width: SIDE },
  };
}

const GRID = {
  threshold: [0.3, 0.5],
  interior: [0, 0.4],
  minProbability: [0, 0.7],
  minAreaUm2: [0, 4000],
};

Deno.test("every decision's scores are those of findCrypts and poolScores", () => {
  const images = [drawn("a", "0", 1), drawn("b", "1", 2)], search = new DecisionSearch(GRID);
  for (const maps of images) search.add(maps);
  assert.equal(search.decisions.length, 16);
  for (const decision of search.decisions) {
    const expected = poolScores(images.map((maps) => {
      const { labels, probability, boundary } = maps, { height, width } = labels;
      const classes = classesOf(probability, boundary, decision.threshold, decision.interior);
      const mask = { data: classes.map((v) => v === 0 ? 0 : 1), height, width };
      const crypts = findCrypts(mask, {
        minArea: Math.max(1, decision.minAreaUm2 / 4),
        minProbability: decision.minProbability,
      }, { probability, interior: classes.map((v) => v === 1 ? 1 : 0) });
      return scoreCrypts(maps.image, mask, labels, crypts, cryptsOfLabels(labels));
    }));
    for (const [key, value] of Object.entries(search.scores(decision))) {
      const wanted = expected[key as "f1"];
      assert.ok(Math.abs(value - wanted) < 1e-12, `${key} of ${JSON.stringify(decision)}`);
    }
  }
});

Deno.test("the best decision parts what touches and leaves out what is faint", () => {
  const search = new DecisionSearch(GRID);
  for (const [i, group] of ["0", "0", "1"].entries()) search.add(drawn(`${i}`, group, i));
  const { decision, scores } = search.best();
  assert.equal(decision.interior, 0.4);
  assert.ok(decision.minProbability === 0.7, JSON.stringify(decision));
  assert.equal(scores.f1, 1);
  const held = search.heldOut();
  assert.deepEqual(held.chosen.map(({ group }) => group), ["0", "1"]);
  assert.equal(held.scores.f1, 1);
});

Deno.test("a choice is judged on groups that it has not seen", () => {
  // What is best for one group is wrong for the other: held out, both get the wrong one.
  const maps = (image: string, group: string, faint: boolean): UnseenMaps => ({
    ...{ image, group, boundary: null, pixelSize: 1 },
    probability: Float32Array.from([0.45, 0.45, 0.45, 0, 0, 0.9, 0.9]),
    labels: {
      data: Uint16Array.from(faint ? [1, 1, 1, 0, 0, 2, 2] : [0, 0, 0, 0, 0, 1, 1]),
      ...{ height: 1, width: 7 },
    },
  });
  const grid = { threshold: [0.4, 0.5], interior: [0], minProbability: [0], minAreaUm2: [0] };
  const search = new DecisionSearch(grid);
  search.add(maps("a", "x", true));
  search.add(maps("b", "y", false));
  const { scores, chosen } = search.heldOut();
  assert.deepEqual(chosen.map(({ decision }) => decision.threshold), [0.5, 0.4]);
  assert.equal(scores.f1, 2 * 2 / (3 + 3));
  assert.ok(search.best().scores.f1 > scores.f1);
});

Deno.test("nothing to try, no image, one group and foreign decisions are refused", () => {
  assert.throws(() => new DecisionSearch({ ...GRID, interior: [] }), /interior needs at least one/);
  const search = new DecisionSearch(GRID);
  assert.throws(() => search.best(), /needs images/);
  search.add(drawn("a", "0", 1));
  assert.throws(() => search.heldOut(), /judged by groups, got 0/);
  assert.throws(() => search.scores({ ...search.decisions[0] }), /not tried/);
});
