import assert from "node:assert/strict";
import { rgbToLab } from "../../lib/image/cielab.ts";
import { stainAugmentation, stainsScaled } from "../../lib/augment/stain/augment.ts";
import { DENSITY, levelOf, RUIFROK, stainBasis } from "../../lib/stain/density.ts";
import { macenkoNormalization } from "../../lib/augment/stain/macenko.ts";
import {
  labStatistics,
  recoloured,
  reinhardNormalization,
} from "../../lib/augment/stain/reinhard.ts";
import type { RgbImage } from "../../lib/image/pixels.ts";
import { createRandom } from "../../lib/base/random.ts";
import { estimateStain, MACENKO_REFERENCE } from "../../lib/stain/macenko.ts";

const SIDE = 48;

/** Tissue in which haematoxylin and eosin lie as given, each pixel with its own amounts. */
function stained(h: readonly number[], e: readonly number[]): RgbImage {
  const random = createRandom(12), data = new Uint8Array(3 * SIDE * SIDE);
  for (let i = 0; i < data.length; i += 3) {
    const [ch, ce] = [1.5 * random.next() ** 2, random.next()];
    for (let c = 0; c < 3; c++) data[i + c] = 240 * Math.exp(-h[c] * ch - e[c] * ce);
  }
  return { data, height: SIDE, width: SIDE };
}

const unit = (v: readonly number[]) => v.map((x) => x / Math.hypot(...v));
const [H, E] = [unit([0.6, 0.7, 0.38]), unit([0.2, 0.85, 0.48])];
const tissue = stained(H, E);
const withMask = (image: RgbImage) => ({
  image,
  mask: { data: new Uint8Array(SIDE * SIDE).fill(1), height: SIDE, width: SIDE },
});
const angle = (a: readonly number[], b: readonly number[]) =>
  Math.acos(Math.min(1, a.reduce((sum, v, i) => sum + v * b[i], 0))) * 180 / Math.PI;

Deno.test("Macenko's estimate finds the vectors that an image was made with, and normalizes to its target's", () => {
  const found = estimateStain(tissue)!;
  assert.ok(angle(unit(found.vectors[0]), H) < 3, `haematoxylin ${found.vectors[0]}`);
  assert.ok(angle(unit(found.vectors[1]), E) < 3, `eosin ${found.vectors[1]}`);
  const output = macenkoNormalization().apply(withMask(tissue), createRandom(0));
  const after = estimateStain(output.image)!;
  for (const s of [0, 1]) {
    assert.ok(angle(unit(after.vectors[s]), unit(MACENKO_REFERENCE.vectors[s])) < 3);
    assert.ok(Math.abs(after.strength[s] / MACENKO_REFERENCE.strength[s] - 1) < 0.1);
  }
  assert.deepEqual(output.mask, withMask(tissue).mask);
});

Deno.test("images without stain pass Macenko's normalization unchanged", () => {
  const glass = { data: new Uint8Array(3 * SIDE * SIDE).fill(244), height: SIDE, width: SIDE };
  const output = macenkoNormalization().apply(withMask(glass), createRandom(0));
  assert.deepEqual(output.image.data, glass.data);
});

Deno.test("Reinhard's transfer gives the target's mean and deviation in L*a*b*", () => {
  const target = { mean: [62, 20, -14], deviation: [9, 6, 5] } as const;
  const output = reinhardNormalization(target).apply(withMask(tissue), createRandom(0)).image;
  const { mean, deviation } = labStatistics(output);
  for (const c of [0, 1, 2]) {
    assert.ok(Math.abs(mean[c] - target.mean[c]) < 0.2, `mean ${c}: ${mean[c]}`);
    assert.ok(
      Math.abs(deviation[c] - target.deviation[c]) < 0.2,
      `deviation ${c}: ${deviation[c]}`,
    );
  }
});

Deno.test("an image's own statistics give it back, and one of one colour takes the target's mean", () => {
  const back = recoloured(tissue, labStatistics(tissue));
  back.data.forEach((v, i) => assert.ok(Math.abs(v - tissue.data[i]) <= 1, `byte ${i}`));
  const flat = { data: new Uint8Array(12).fill(200), height: 2, width: 2 };
  const { data } = recoloured(flat, { mean: [50, 0, 0], deviation: [10, 5, 5] });
  assert.ok(data.every((v) => Math.abs(v - 119) <= 1), `${data}`);
});

Deno.test("L*a*b* of primary colours are those of the CIE's formulas for sRGB", () => {
  const lab = new Float64Array(3);
  const expected = [[255, 0, 0, 53.24, 80.09, 67.2], [0, 255, 0, 87.73, -86.18, 83.18], [
    ...[0, 0, 255, 32.3, 79.19, -107.86],
  ]];
  for (const [r, g, b, ...values] of expected) {
    rgbToLab(r, g, b, lab);
    values.forEach((value, c) =>
      assert.ok(Math.abs(lab[c] - value) < 0.1, `${lab} for ${r} ${g} ${b}`)
    );
  }
});

Deno.test("scaling a stain scales its density and leaves the other stain and glass alone", () => {
  const colour = (vector: readonly number[], amount: number) =>
    Uint8Array.from(unit(vector), (v) => Math.round(255 * Math.exp(-v * amount)));
  const data = Uint8Array.from([
    ...colour(RUIFROK.haematoxylin, 0.6),
    ...colour(RUIFROK.eosin, 0.6),
    ...[255, 255, 255],
  ]);
  const out = stainsScaled({ data, height: 1, width: 3 }, [1.5, 1, 1], [0, 0, 0]).data;
  const expected = [...colour(RUIFROK.haematoxylin, 0.9), ...data.subarray(3)];
  out.forEach((v, i) => assert.ok(Math.abs(v - expected[i]) <= 2, `${out} for ${expected}`));
});

Deno.test("factors of one give the image back; the basis and its inverse are inverse", () => {
  const back = stainsScaled(tissue, [1, 1, 1], [0, 0, 0]).data;
  back.forEach((v, i) => assert.ok(Math.abs(v - tissue.data[i]) <= 1));
  const { fromStains: m, toStains: n } = stainBasis(RUIFROK);
  for (let i = 0; i < 9; i++) {
    const [row, column] = [3 * Math.floor(i / 3), i % 3];
    const product = [0, 1, 2].reduce((sum, k) => sum + m[row + k] * n[3 * k + column], 0);
    assert.ok(Math.abs(product - (i % 4 === 0 ? 1 : 0)) < 1e-12);
  }
  for (let byte = 1; byte < 256; byte++) assert.equal(levelOf(DENSITY[byte]), byte);
  const same = { haematoxylin: H, eosin: H } as unknown as typeof RUIFROK;
  assert.throws(() => stainBasis(same), /stain vectors must differ/);
});

Deno.test("stain augmentation is gentle by default, stronger when asked, none at strength 0", () => {
  const change = (strength: number) => {
    const random = createRandom(1), transform = stainAugmentation({ strength });
    let sum = 0;
    for (let i = 0; i < 20; i++) {
      const { data } = transform.apply(withMask(tissue), random).image;
      sum += data.reduce((s, v, k) => s + Math.abs(v - tissue.data[k]), 0) / data.length / 20;
    }
    return sum;
  };
  const [none, light, strong] = [0, 0.05, 0.2].map(change);
  assert.ok(none < 0.2 && light > 1 && light < 8 && strong > 2 * light, `${[none, light, strong]}`);
  assert.throws(() => stainAugmentation({ strength: 1 }), /StainAugmentation strength: .* got 1/);
});
