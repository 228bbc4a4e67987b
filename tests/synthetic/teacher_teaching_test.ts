import assert from "node:assert/strict";
import { join } from "node:path";
import { PROJECT_ROOT } from "../../lib/base/mod.ts";
import { withFeatures } from "../../scripts/teaching.ts";
import {
  drawTeaching,
  FEATURE_GROUPS,
  type FeatureName,
  FEATURES,
  teachingStream,
} from "../../lib/synthetic/mod.ts";

const SMALL = { side: 96, pixelSize: 1.24 } as const;

/** Mean of a channel over the pixels for which `wanted` holds. */
function mean(
  { image, labels }: ReturnType<typeof drawTeaching>,
  wanted: (label: number) => boolean,
  channel: number,
): number {
  let sum = 0, count = 0;
  labels.data.forEach((label, i) => {
    if (!wanted(label)) return;
    sum += image.data[3 * i + channel];
    count++;
  });
  return sum / count;
}

Deno.test("a teaching sample is a pure function of seed and index", () => {
  const a = drawTeaching(3, 5, SMALL), b = drawTeaching(3, 5, SMALL);
  assert.deepEqual(a, b);
  for (const other of [drawTeaching(3, 6, SMALL), drawTeaching(4, 5, SMALL)]) {
    assert.notDeepEqual(a.image.data, other.image.data);
  }
});

Deno.test("labels are 1, 2, … without a gap, image and labels have the side asked for", () => {
  let glands = 0;
  for (let index = 0; index < 12; index++) {
    const { image, labels, pixelSize } = drawTeaching(1, index, { side: 128 });
    assert.deepEqual([image.height, image.width, image.data.length], [128, 128, 3 * 128 * 128]);
    assert.deepEqual([labels.height, labels.width, labels.data.length], [128, 128, 128 * 128]);
    const present = [...new Set(labels.data)].filter((v) => v > 0).sort((p, q) => p - q);
    assert.deepEqual(present, present.map((_, k) => k + 1));
    assert.ok(pixelSize >= 0.5 && pixelSize <= 2, `pixel size ${pixelSize}`);
    glands += present.length;
  }
  assert.ok(glands > 40, `${glands} glands in twelve drawings`);
});

Deno.test("a smaller pixel size shows the same glands larger: area in µm stays", () => {
  const fixed = { carcinoma: 0, adenoma: 0, sparse: 0, glass: 0, muscle: 0, along: 0 };
  const median = (pixelSize: number) => {
    const sizes: number[] = [];
    for (let index = 0; index < 6; index++) {
      const { labels } = drawTeaching(2, index, { side: 320, pixelSize, fixed });
      const counts = new Map<number, number>();
      for (const label of labels.data) counts.set(label, (counts.get(label) ?? 0) + 1);
      counts.delete(0);
      sizes.push(...[...counts.values()].map((n) => n * pixelSize ** 2));
    }
    return sizes.sort((p, q) => p - q)[sizes.length >> 1];
  };
  const ratio = median(1) / median(1.6);
  assert.ok(
    ratio > 0.7 && ratio < 1.4,
    `median gland area at 1 µm is ${ratio} times that at 1.6 µm`,
  );
});

Deno.test("features stay in their ranges, and groups that are off have the plain values", () => {
  for (let index = 0; index < 30; index++) {
    const { features } = drawTeaching(9, index, { side: 64 });
    for (const name of Object.keys(FEATURES) as FeatureName[]) {
      const { low, high, plain } = FEATURES[name];
      const value = features[name];
      assert.ok(value === plain || (value >= low && value <= high), `${name} ${value}`);
    }
  }
  const { features } = drawTeaching(9, 1, { side: 64, groups: ["stain"] });
  for (const name of Object.keys(FEATURES) as FeatureName[]) {
    if (FEATURES[name].group !== "stain") assert.equal(features[name], FEATURES[name].plain, name);
  }
  assert.notEqual(features.eosinStrength, FEATURES.eosinStrength.plain);
});

Deno.test("switching one group on leaves the draws of the others as they are", () => {
  const all = drawTeaching(9, 3, { side: 64 }).features;
  const some = drawTeaching(9, 3, { side: 64, groups: ["stain", "crypts"] }).features;
  for (const name of Object.keys(FEATURES) as FeatureName[]) {
    if (FEATURES[name].group === "stain") assert.equal(some[name], all[name], name);
  }
});

Deno.test("more eosin darkens green, more haematoxylin darkens red", () => {
  const draw = (fixed: Record<string, number>) =>
    drawTeaching(4, 2, { ...SMALL, groups: [], fixed: { ...fixed, jpeg: 95, noise: 0.5 } });
  const any = () => true;
  const plain = draw({});
  assert.ok(mean(draw({ eosinStrength: 1.8 }), any, 1) < mean(plain, any, 1) - 8);
  assert.ok(mean(draw({ haematoxylinStrength: 1.7 }), any, 0) < mean(plain, any, 0) - 8);
});

Deno.test("a cleft brightens the stroma and leaves the labels as they are", () => {
  const draw = (cleft: number) =>
    drawTeaching(4, 2, { ...SMALL, groups: [], fixed: { cleft, cleftShare: 0.9 } });
  const without = draw(0), wide = draw(14);
  assert.deepEqual(without.labels.data, wide.labels.data);
  const stroma = (label: number) => label === 0;
  assert.ok(mean(wide, stroma, 1) > mean(without, stroma, 1) + 4);
});

Deno.test("the stream gives drawTeaching's samples in order, whatever the number of threads", async () => {
  for (const workers of [0, 1, 2]) {
    let index = 4;
    for await (const sample of teachingStream(6, { ...SMALL, workers, ahead: 3, from: 4 })) {
      assert.deepEqual(sample, drawTeaching(6, index, SMALL), `${workers} threads, ${index}`);
      if (++index === 9) break;
    }
  }
});

Deno.test("bad arguments are refused by name, in threads too", async () => {
  assert.throws(() => drawTeaching(0.5, 0), /seed must be an integer, got 0.5/);
  assert.throws(() => drawTeaching(1, -1), /index must be an integer of at least 0, got -1/);
  assert.throws(() => drawTeaching(1, 0, { side: 40 }), /side must be .* got 40/);
  assert.throws(() => drawTeaching(1, 0, { pixelSize: [2, 1] }), /pixelSize must lie in/);
  assert.throws(() => drawTeaching(1, 0, { groups: ["ink"] as never }), /groups must be among/);
  assert.throws(
    () => drawTeaching(1, 0, { fixed: { hue: 1 } as never }),
    /no feature is named hue/,
  );
  await assert.rejects(teachingStream(1, { workers: 1, side: 40 }).next(), /side must be/);
  await assert.rejects(teachingStream(1, { workers: -1 }).next(), /workers must be .* got -1/);
  assert.equal(new Set(Object.values(FEATURES).map((f) => f.group)).size, FEATURE_GROUPS.length);
});

Deno.test("docs/synthetic.md lists every feature with the ranges of the code", async () => {
  const page = await Deno.readTextFile(join(PROJECT_ROOT, "docs", "synthetic.md"));
  // The formatter aligns tables and wraps lines.
  const bare = (text: string) => text.replace(/[\s|-]+/g, " ");
  assert.equal(bare(page), bare(withFeatures(page)));
});
