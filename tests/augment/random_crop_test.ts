import assert from "node:assert/strict";
import { randomCrop } from "../../lib/augment/random_crop.ts";
import { createAugmentation } from "../../lib/augment/presets.ts";
import type { Sample } from "../../lib/augment/types.ts";
import { createRandom } from "../../lib/base/random.ts";
import { crop, cropMask } from "../../lib/image/pixels.ts";
import { noiseImage } from "../support/tiny_dataset.ts";

/** Noise with labels 1, 2, … in stripes, so that a place is known by its values. */
function striped(height: number, width: number): Sample {
  const data = Uint8Array.from({ length: height * width }, (_, i) => Math.floor(i % width / 4));
  return { image: noiseImage(height, width), mask: { data, height, width } };
}

Deno.test("a crop without zoom and turn is a window of the sample, and all windows come", () => {
  const sample = striped(20, 12), random = createRandom(4), cropped = randomCrop({ side: 8 });
  const places = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const { image, mask } = cropped.apply(sample, random);
    const found: string[] = [];
    for (let top = 0; top <= 12; top++) {
      for (let left = 0; left <= 4; left++) {
        const window = crop(sample.image, top, left, 8, 8);
        if (!window.data.every((v, k) => v === image.data[k])) continue;
        found.push(`${top},${left}`);
        assert.deepEqual(mask, cropMask(sample.mask, top, left, 8, 8));
      }
    }
    assert.equal(found.length, 1);
    places.add(found[0]);
  }
  assert.equal(places.size, 13 * 5);
});

Deno.test("samples that are smaller than the crop are mirrored as np.pad's reflect", () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const sample = { image: noiseImage(2, 3), mask: { data, height: 2, width: 3 } };
  const { mask, image } = randomCrop({ side: 5 }).apply(sample, createRandom(0));
  assert.equal(image.data.length, 75);
  // np.pad([[1,2,3],[4,5,6]], ((1,2),(1,1)), "reflect"), rows 1 before as round(-1.5) = -1
  assert.deepEqual([...mask.data], [
    ...[5, 4, 5, 6, 5],
    ...[2, 1, 2, 3, 2],
    ...[5, 4, 5, 6, 5],
    ...[2, 1, 2, 3, 2],
    ...[5, 4, 5, 6, 5],
  ]);
});

Deno.test("zoom and turn keep labels as they are, move image and mask alike, and repeat by seed", () => {
  const sample = striped(40, 40);
  // The image says where it comes from: its red channel is the mask times 20.
  sample.mask.data.forEach((v, i) => sample.image.data[3 * i] = 20 * v);
  const cropped = randomCrop({ side: 16, zoom: 1.5, rotate: 180 });
  const run = () => {
    const random = createRandom(3);
    return Array.from({ length: 30 }, () => cropped.apply(sample, random));
  };
  const results = run();
  let apart = 0, total = 0;
  for (const { image, mask } of results) {
    assert.ok(mask.data.every((v) => v <= 9));
    mask.data.forEach((v, i) => {
      total++;
      // Stripes are 4 px wide: within half a pixel of a border the bilinear red lies between.
      if (Math.abs(image.data[3 * i] - 20 * v) > 12) apart++;
    });
  }
  assert.equal(apart, 0, `${apart} of ${total}`);
  assert.deepEqual(run(), results);
});

Deno.test("settings of a crop out of range are refused; the tissue preset keeps labels and size", () => {
  assert.throws(() => randomCrop({ side: 0 }), /side: expected a positive integer, got 0/);
  assert.throws(() => randomCrop({ side: 8, zoom: 0.5 }), /zoom: expected at least 1, got 0.5/);
  const sample = striped(32, 32), random = createRandom(9);
  const tissue = createAugmentation("tissue")!;
  for (let i = 0; i < 20; i++) {
    const { image, mask } = tissue.apply(sample, random);
    assert.deepEqual([image.height, image.width, mask.data.length], [32, 32, 1024]);
    assert.ok(mask.data.every((v) => v <= 7));
  }
});
