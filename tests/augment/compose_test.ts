import assert from "node:assert/strict";
import { applyMaybe, compose, oneOf } from "../../lib/augment/compose.ts";
import { horizontalFlip, randomRotate90, verticalFlip } from "../../lib/augment/flips.ts";
import { createAugmentation, listAugmentations } from "../../lib/augment/presets.ts";
import type { Augmentation, Sample } from "../../lib/augment/types.ts";
import { createRandom, type Random } from "../../lib/base/random.ts";

/** A 2 x 3 image whose pixels are told apart by every channel, and its mask. */
function sample(): Sample {
  return {
    image: {
      data: Uint8Array.from({ length: 18 }, (_, i) => 10 * Math.floor(i / 3) + i % 3),
      height: 2,
      width: 3,
    },
    mask: { data: Uint8Array.of(1, 0, 0, 0, 1, 1), height: 2, width: 3 },
  };
}

/** Which of the pixels 0 to 5 lies where, by rows; checks that channels and mask moved along. */
function layout({ image, mask }: Sample): number[][] {
  const { mask: original } = sample();
  return Array.from(
    { length: image.height },
    (_, row) =>
      Array.from({ length: image.width }, (_, column) => {
        const at = row * image.width + column;
        const [r, g, b] = image.data.subarray(3 * at, 3 * at + 3);
        assert.deepEqual([g, b], [r + 1, r + 2]);
        assert.equal(mask.data[at], original.data[r / 10]);
        return r / 10;
      }),
  );
}

/** A generator whose integers are all `value`. */
function fixed(value: number): Random {
  return { ...createRandom(0), int: () => value, next: () => value } as Random;
}

Deno.test("flips and quarter turns are numpy's fliplr, flipud and rot90, mask included", () => {
  const random = createRandom(0);
  assert.deepEqual(layout(horizontalFlip().apply(sample(), random)), [[2, 1, 0], [5, 4, 3]]);
  assert.deepEqual(layout(verticalFlip().apply(sample(), random)), [[3, 4, 5], [0, 1, 2]]);
  const turned = [0, 1, 2, 3].map((k) => layout(randomRotate90().apply(sample(), fixed(k))));
  assert.deepEqual(turned, [
    [[0, 1, 2], [3, 4, 5]],
    [[2, 5], [1, 4], [0, 3]],
    [[5, 4, 3], [2, 1, 0]],
    [[3, 0], [4, 1], [5, 2]],
  ]);
});

Deno.test("the preset of flips reaches all eight symmetries, the same ones for the same seed", () => {
  const flips = createAugmentation("flips")!;
  const run = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 200 }, () => JSON.stringify(layout(flips.apply(sample(), random))));
  };
  const seen = run(1);
  assert.equal(new Set(seen).size, 8);
  assert.deepEqual(run(1), seen);
  assert.notDeepEqual(run(2), seen);
});

/** Adds `name` to `log` when applied. */
function logging(name: string, probability: number, log: string[]): Augmentation {
  const apply = (s: Sample) => (log.push(name), s);
  return { name, probability, apply };
}

Deno.test("compose applies in order, each with its probability", () => {
  const log: string[] = [];
  const both = compose([logging("a", 1, log), logging("never", 0, log), logging("b", 0.25, log)]);
  const random = createRandom(5);
  for (let i = 0; i < 2000; i++) both.apply(sample(), random);
  assert.equal(log.filter((n) => n === "a").length, 2000);
  assert.ok(!log.includes("never"));
  assert.ok(Math.abs(log.filter((n) => n === "b").length - 500) < 60);
  assert.equal(log[0], "a");
});

Deno.test("oneOf applies exactly one, by the members' weights", () => {
  const log: string[] = [];
  const one = oneOf([logging("a", 0.3, log), logging("b", 0.1, log)], 0.5);
  const random = createRandom(6);
  for (let i = 0; i < 2000; i++) one.apply(sample(), random);
  assert.equal(log.length, 2000);
  assert.ok(Math.abs(log.filter((n) => n === "a").length - 1500) < 80);
  log.length = 0;
  for (let i = 0; i < 2000; i++) applyMaybe(one, sample(), random);
  assert.ok(Math.abs(log.length - 1000) < 90);
});

Deno.test("unknown presets, probabilities out of range and empty choices are refused", () => {
  assert.throws(
    () => createAugmentation("blur-all"),
    /unknown augmentation "blur-all"; known: none/,
  );
  assert.throws(
    () => horizontalFlip(1.5),
    /HorizontalFlip: probability must be in \[0, 1\], got 1.5/,
  );
  assert.throws(() => oneOf([]), /OneOf needs a member with a positive probability, got 0 members/);
  assert.equal(createAugmentation("none"), null);
  for (const name of listAugmentations()) createAugmentation(name);
});
