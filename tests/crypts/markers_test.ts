import assert from "node:assert/strict";
import { createRandom } from "../../lib/base/random.ts";
import { findCrypts } from "../../lib/crypts/find.ts";
import { cryptsOfLabels, labelsOfCrypts } from "../../lib/crypts/labels.ts";
import { growMarkers } from "../../lib/crypts/markers.ts";

const HEIGHT = 60, WIDTH = 90;

/** Pixels within `radius` of a centre, 0/1. */
function disc(cx: number, cy: number, radius: number): Uint8Array {
  return Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => {
    const x = i % WIDTH, y = Math.floor(i / WIDTH);
    return (x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2 ? 1 : 0;
  });
}

const union = (...masks: Uint8Array[]) => masks[0].map((_, i) => masks.some((m) => m[i]) ? 1 : 0);

Deno.test("two touching discs with an interior each are two crypts that meet half-way", () => {
  const mask = union(disc(30, 30, 16), disc(58, 30, 16));
  const interior = union(disc(30, 30, 10), disc(58, 30, 10));
  const { labels, count } = growMarkers(mask, interior, HEIGHT, WIDTH);
  assert.equal(count, 2);
  for (let i = 0; i < mask.length; i++) {
    assert.equal(labels[i] !== 0, mask[i] === 1, "every pixel of the mask has a region");
    const x = i % WIDTH;
    if (labels[i] !== 0 && Math.abs(x - 44) > 2) assert.equal(labels[i], x < 44 ? 1 : 2);
  }
});

Deno.test("every pixel goes to the marker that is nearest within the mask (brute force)", () => {
  const random = createRandom(4).fork("maze");
  const height = 24, width = 31;
  const mask = Uint8Array.from({ length: height * width }, () => random.next() < 0.72 ? 1 : 0);
  const interior = mask.map((v) => v && random.next() < 0.03 ? 1 : 0);
  const { labels } = growMarkers(mask, interior, height, width, { minMarker: 1, mergeGap: 0 });
  // Bellman-Ford from each marker pixel: the distance to the nearest one through the mask.
  const best = new Float64Array(mask.length).fill(Infinity);
  const owners = mask.map((_, i) => interior[i]);
  const from = Array.from(mask, (_, i) => new Set(owners[i] ? [labels[i]] : []));
  for (let i = 0; i < mask.length; i++) if (owners[i]) best[i] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const j = i + dy * width + dx, x = i % width + dx;
          if (j < 0 || j >= mask.length || x < 0 || x >= width || !mask[j]) continue;
          const d = best[j] + (dx && dy ? 7 : dx || dy ? 5 : 0);
          if (d < best[i]) {
            best[i] = d;
            from[i] = new Set(from[j]);
            changed = true;
          } else if (d === best[i] && d < Infinity) {
            const before = from[i].size;
            for (const label of from[j]) from[i].add(label);
            changed ||= from[i].size > before;
          }
        }
      }
    }
  }
  for (let i = 0; i < mask.length; i++) {
    if (best[i] < Infinity) assert.ok(from[i].has(labels[i]), `pixel ${i}`);
    else if (mask[i]) assert.ok(labels[i] > 0, "what no marker reaches is a region too");
  }
});

Deno.test("a crypt whose interior is torn by a thin line stays one, by a wide band it is two", () => {
  const mask = disc(44, 30, 24), whole = disc(44, 30, 18);
  const torn = (gap: number) =>
    whole.map((v, i) => i % WIDTH >= 44 && i % WIDTH < 44 + gap ? 0 : v);
  const count = (gap: number, mergeGap: number) =>
    growMarkers(mask, torn(gap), HEIGHT, WIDTH, { mergeGap }).count;
  assert.equal(count(2, 3), 1);
  assert.equal(count(8, 3), 2);
  assert.equal(count(2, 0), 2, "nothing is joined without a gap to be below of");
});

Deno.test("joining goes on until no thin boundary is left: three pieces in a row become one", () => {
  const mask = disc(44, 30, 24);
  const pieces = disc(44, 30, 20).map((v, i) => [36, 37, 52, 53].includes(i % WIDTH) ? 0 : v);
  assert.equal(growMarkers(mask, pieces, HEIGHT, WIDTH, { mergeGap: 3 }).count, 1);
});

Deno.test("specks of interior are no markers, and components without any stay crypts", () => {
  const mask = union(disc(20, 30, 12), disc(60, 30, 12));
  const interior = disc(20, 30, 8);
  interior[30 * WIDTH + 31] = 1;
  interior[30 * WIDTH + 60] = 1;
  const { count } = growMarkers(mask, interior, HEIGHT, WIDTH, { minMarker: 5 });
  assert.equal(count, 2);
});

Deno.test("crypts grown from interiors keep the stroma that they enclose", () => {
  // Four crypts in a ring around stroma: the component has a hole that belongs to none of them.
  const centres = [[30, 16], [58, 16], [30, 44], [58, 44]];
  const mask = union(...centres.map(([x, y]) => disc(x, y, 14)), disc(44, 16, 4), disc(44, 44, 4));
  const interior = union(...centres.map(([x, y]) => disc(x, y, 9)));
  const image = { data: mask, height: HEIGHT, width: WIDTH };
  const [apart, together] = [findCrypts(image, {}, { interior }), findCrypts(image)];
  assert.equal(apart.length, 4);
  const area = mask.reduce((a, b) => a + b, 0);
  assert.equal(apart.reduce((sum, crypt) => sum + crypt.area, 0), area);
  assert.ok(together.length === 1 && together[0].area > area, "one blob swallows the stroma");
});

Deno.test("a lumen within one grown crypt is filled, an island in it belongs to the crypt", () => {
  const lumen = disc(44, 30, 10), island = disc(44, 30, 3);
  const ring = disc(44, 30, 24).map((v, i) => lumen[i] && !island[i] ? 0 : v);
  const interior = disc(44, 30, 20).map((v, i) => lumen[i] ? island[i] : v);
  const image = { data: ring, height: HEIGHT, width: WIDTH };
  const crypts = findCrypts(image, { markers: { minMarker: 5 } }, { interior });
  assert.equal(crypts.length, 1);
  assert.equal(crypts[0].area, disc(44, 30, 24).reduce((a, b) => a + b, 0));
});

Deno.test("crypts of a low mean probability are dropped, all of them kept where there is none", () => {
  const mask = union(disc(20, 30, 12), disc(60, 30, 12));
  const image = { data: mask, height: HEIGHT, width: WIDTH };
  const probability = Float32Array.from(mask, (v, i) => v ? (i % WIDTH < 45 ? 0.9 : 0.6) : 0.1);
  const kept = (minProbability: number) =>
    findCrypts(image, { minProbability }, { probability }).map((crypt) => crypt.left < 45);
  assert.deepEqual(kept(0.5), [true, false]);
  assert.deepEqual(kept(0.75), [true]);
  assert.deepEqual(kept(0.95), []);
  assert.equal(findCrypts(image, { minProbability: 0.95 }).length, 2);
  assert.throws(() => findCrypts(image, { minProbability: 1.5 }), /minProbability.*1\.5/);
});

Deno.test("labels and crypts are inverse, gaps in the numbers included", () => {
  const data = new Uint16Array(HEIGHT * WIDTH);
  disc(20, 20, 9).forEach((v, i) => v && (data[i] = 300));
  disc(29, 20, 5).forEach((v, i) => v && (data[i] = 7));
  const labels = { data, height: HEIGHT, width: WIDTH };
  const crypts = cryptsOfLabels(labels);
  assert.deepEqual(crypts.map((crypt) => crypt.id).sort((a, b) => a - b), [7, 300]);
  const again = labelsOfCrypts(crypts, HEIGHT, WIDTH);
  const names = [0, ...crypts.map((crypt) => crypt.id)];
  assert.deepEqual(again.data.map((v) => names[v]), data);
  assert.deepEqual(cryptsOfLabels({ data: new Uint16Array(4), height: 2, width: 2 }), []);
});

Deno.test("markers refuse negative settings, other sizes, and more crypts than labels hold", () => {
  const one = new Uint8Array(4);
  assert.throws(() => growMarkers(one, one, 2, 2, { minMarker: -1 }), /minMarker.*-1/);
  assert.throws(() => growMarkers(one, one, 2, 2, { mergeGap: NaN }), /mergeGap.*NaN/);
  assert.throws(() => growMarkers(one, one, 2, 3), /6 pixels.*got 4/);
  const mask = { data: one, height: 2, width: 2 };
  assert.throws(() => findCrypts(mask, {}, { interior: new Uint8Array(5) }), /interior.*got 5/);
  assert.throws(
    () => cryptsOfLabels({ data: new Uint16Array(3), height: 2, width: 2 }),
    /got 3/,
  );
  const [crypt] = findCrypts({ data: Uint8Array.of(1), height: 1, width: 1 });
  assert.throws(() => labelsOfCrypts(Array(65_536).fill(crypt), 1, 1), /65535.*65536/);
});
