import assert from "node:assert/strict";
import { kFold } from "../../lib/base/kfold.ts";
import { MersenneTwister } from "../../lib/base/mersenne_twister.ts";

const validation = (...args: Parameters<typeof kFold>) =>
  kFold(...args).map((fold) => fold.validation);

Deno.test("the five images are validated in scikit-learn's order", () => {
  assert.deepEqual(validation(5, 5, { shuffle: true, seed: 0 }), [[2], [0], [1], [3], [4]]);
});

Deno.test("folds agree with scikit-learn for other numbers and seeds", () => {
  // sklearn 1.x: KFold(4, shuffle=True, random_state=7), KFold(3)
  assert.deepEqual(
    validation(11, 4, { shuffle: true, seed: 7 }),
    [[0, 5, 8], [1, 2, 10], [3, 6, 7], [4, 9]],
  );
  assert.deepEqual(validation(8, 3), [[0, 1, 2], [3, 4, 5], [6, 7]]);
  const sums = validation(700, 5, { shuffle: true, seed: 0 })
    .map((fold) => fold.reduce((a, b) => a + b));
  assert.deepEqual(sums, [49740, 46847, 50858, 50111, 47094]);
});

Deno.test("each item is validated once and trained on in all other folds", () => {
  const folds = kFold(23, 4, { shuffle: true, seed: 3 });
  assert.deepEqual(
    folds.flatMap((f) => f.validation).sort((a, b) => a - b),
    Array.from({ length: 23 }, (_, i) => i),
  );
  for (const { train, validation } of folds) {
    assert.equal(train.length + validation.length, 23);
    assert.ok(validation.every((i) => !train.includes(i)));
    assert.deepEqual(train, [...train].sort((a, b) => a - b));
  }
});

Deno.test("impossible splits are refused", () => {
  assert.throws(() => kFold(3, 4), /2\.\.3 for 3 items, got 4/);
  assert.throws(() => kFold(5, 1), RangeError);
  assert.throws(() => kFold(0, 2), RangeError);
  assert.throws(() => kFold(5, 2, { shuffle: true, seed: -1 }), /seed .* got -1/);
});

Deno.test("the Mersenne Twister gives the authors' first numbers for seed 5489", () => {
  const generator = new MersenneTwister(5489);
  assert.equal(generator.uint32(), 3499211612);
  for (let i = 2; i < 10000; i++) generator.uint32();
  assert.equal(generator.uint32(), 4123659995); // the 10 000th, as the C++ standard demands
});
