import assert from "node:assert/strict";
import { predictiveEntropy } from "../../lib/evaluation/uncertainty.ts";
import { readModelNotes } from "../../lib/inference/model_notes.ts";
import { openImage } from "../../lib/inference/open_image.ts";
import { segmentImage } from "../../lib/inference/pipeline.ts";
import { tissueDensity, TrustCollector } from "../../lib/inference/trust.ts";
import { createRandom } from "../../lib/base/random.ts";
import { fakePredictor } from "../support/predictors.ts";

const GLASS = { data: new Uint8Array(30).fill(240), height: 1, width: 10 };

function near(got: number, expected: number): void {
  assert.ok(Math.abs(got - expected) < 1e-6, `${got} instead of ${expected}`);
}

Deno.test("the figures are their definitions by brute force, whatever the bands", () => {
  const random = createRandom(3);
  const p = Float32Array.from({ length: 990 }, (_, i) => i < 100 ? 0 : i < 150 ? 1 : random.next());
  for (const rows of [990, 330, 90]) {
    const trust = new TrustCollector();
    for (let i = 0; i < 990; i += rows) trust.push(GLASS, p.subarray(i, i + rows));
    const { entropy, expectedDice, foreground, stainDistance } = trust.result();
    const mayBe = [...p].filter((v) => v > 0.05);
    const bits = predictiveEntropy(Float32Array.from(mayBe));
    near(entropy, bits.reduce((a, b) => a + b) / mayBe.length);
    const inside = [...p].filter((v) => v > 0.5),
      sum = (v: number[]) => v.reduce((a, b) => a + b, 0);
    near(expectedDice, 2 * sum(inside) / (inside.length + sum([...p])));
    near(foreground, inside.length / 990);
    assert.equal(stainDistance, null, "the model does not say its stain");
  }
});

Deno.test("expected Dice and foreground are those of the mask that the decision's threshold makes (by brute force)", async () => {
  const image = { data: new Uint8Array(32 * 32 * 3).fill(100), height: 32, width: 32 };
  const levels = [0.01, 0.3, 0.45, 0.7, 0.95];
  const model = fakePredictor((_r, _g, _b, y, x) => levels[(y * 32 + x) % 5]);
  const all = Array.from({ length: 1024 }, (_, i) => levels[i % 5]);
  const sum = (v: number[]) => v.reduce((a, b) => a + b, 0);
  for (const threshold of [undefined, 0.005, 0.4, 0.5, 0.8]) {
    const { trust, cryptPixels } = await segmentImage(await openImage(image), [model], {
      ...{ tile: 32, mode: "original", threshold },
    });
    const inside = all.filter((p) => p > (threshold ?? 0.5));
    assert.equal(inside.length, cryptPixels);
    near(trust.foreground, cryptPixels / 1024);
    near(trust.expectedDice, 2 * sum(inside) / (inside.length + sum(all)));
  }
});

Deno.test("a sure prediction has no warning, an unsure or empty one has, by the model's own limit too", () => {
  const of = (values: number[], diceLimit: number | null = null) => {
    const trust = new TrustCollector({ stain: null, diceLimit });
    trust.push(GLASS, Float32Array.from(values));
    return trust.result();
  };
  const sure = of([0, 0, 0.99, 1]), unsure = of([0.3, 0.4, 0.6, 0.2]), none = of([0, 0.1, 0.2, 0]);
  assert.deepEqual([sure.warning, sure.entropy < 0.1], [null, true]);
  assert.match(unsure.warning!, /the models are unsure \(they expect a Dice of 0\.48\)/);
  assert.equal(none.warning, "no crypt was found");
  assert.equal(of([0.3, 0.4, 0.6, 0.2], 0.4).warning, null);
  assert.match(of([0, 0, 0.99, 1], 0.999).warning!, /unsure/);
  assert.deepEqual(new TrustCollector().result().entropy, 0, "no pixel at all");
});

Deno.test("the stain's distance is in standard deviations of the training images, glass aside", async () => {
  const colour = (r: number, g: number, b: number) => {
    const data = new Uint8Array(64 * 64 * 3).fill(240);
    for (let i = 0; i < 64 * 32; i++) data.set([r, g, b], 3 * i);
    return { data, height: 64, width: 64 };
  };
  const density = (v: number) => -Math.log10((v + 1) / 256);
  const own = tissueDensity(colour(150, 80, 160))!;
  [150, 80, 160].forEach((v, c) => near(own[c], density(v)));
  assert.equal(tissueDensity(GLASS), null);
  const reference = {
    diceLimit: null,
    stain: { mean: own, deviation: [0.05, 0.1, 0.02] as [number, number, number] },
  };
  const trustOf = async (image: ReturnType<typeof colour>) =>
    (await segmentImage(await openImage(image), [fakePredictor(() => 0.95)], {
      ...{ tile: 32, mode: "sliding", overlap: 0.5 },
    }, { reference })).trust;
  const same = await trustOf(colour(150, 80, 160)), other = await trustOf(colour(150, 30, 160));
  near(same.stainDistance!, 0);
  assert.equal(same.warning, null);
  near(other.stainDistance!, Math.abs(density(30) - density(80)) / 0.1 / Math.sqrt(3));
  const far = await trustOf(colour(90, 20, 200));
  assert.match(far.warning!, /the stain is \d+\.\d standard deviations from that of the training/);
});

Deno.test("a model's notes are read from its metadata, and a wrong one is refused by file and name", () => {
  const notes = (training: object, more: Record<string, string> = {}) =>
    readModelNotes("m.safetensors", { "crypts.training": JSON.stringify(training), ...more });
  const full = notes({
    ...{ scale: 0.5, patchSize: [128, 128], pixelSize: 1, diceLimit: 0.7 },
    stain: { mean: [0.3, 0.4, 0.2], deviation: [0.1, 0.1, 0.1] },
    ...{ about: "a teacher's model", validatedOn: "drawings" },
    decision: { threshold: 0.4, interior: 0.6, minProbability: 0.7, other: 1 },
  }, { licence: "Apache-2.0" });
  assert.deepEqual([full.scale, full.tile, full.pixelSize], [0.5, 128, 1]);
  assert.deepEqual(full.reference.stain!.mean, [0.3, 0.4, 0.2]);
  assert.equal(full.reference.diceLimit, 0.7);
  assert.deepEqual(full.decision, { threshold: 0.4, interior: 0.6, minProbability: 0.7 });
  assert.deepEqual(full.about, [
    "what it is: a teacher's model",
    "validated on: drawings",
    "licence: Apache-2.0",
  ]);
  const none = readModelNotes("m.pth", {});
  assert.deepEqual([none.scale, none.pixelSize, none.reference.stain], [null, null, null]);
  assert.equal(notes({ pixelSize: null }).pixelSize, null);
  assert.throws(
    () => notes({ pixelSize: -1 }),
    /model m\.safetensors: pixelSize must be a number > 0, got -1/,
  );
  assert.throws(() => notes({ scale: "half" }), /scale must be a number > 0, got "half"/);
});

Deno.test("a decision that is none is refused, naming the file and the value", () => {
  const notes = (decision: unknown) =>
    readModelNotes("m.safetensors", { "crypts.training": JSON.stringify({ decision }) });
  assert.deepEqual(notes(undefined).decision, {});
  assert.throws(() => notes({ threshold: 2 }), /m\.safetensors: decision\.threshold .* got 2/);
  assert.throws(() => notes({ minProbability: "high" }), /decision\.minProbability .* got "high"/);
  assert.throws(() => notes({ minAreaUm2: -1 }), /decision\.minAreaUm2 .* got -1/);
});
