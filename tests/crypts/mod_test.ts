import assert from "node:assert/strict";
import { join } from "node:path";
import { parsePolygons, readPolygons } from "../../lib/annotation/geojson.ts";
import type { Mask } from "../../lib/image/pixels.ts";
import { type Crypt, findCrypts } from "../../lib/crypts/find.ts";
import { cryptFeature, writeGeoJson } from "../../lib/crypts/geojson.ts";
import { cryptRow, cryptsPerMm2, cryptTable } from "../../lib/crypts/table.ts";
import { fillHoles } from "../../lib/annotation/holes.ts";
import { hausdorff, overlapCrypts, scoreObjects } from "../../lib/evaluation/match.ts";
import { labelRuns, RunCollector } from "../../lib/image/runs.ts";
import { measureCrypt } from "../../lib/crypts/measure.ts";
import { splitTouching } from "../../lib/crypts/split.ts";
import { squaredDistance } from "../../lib/annotation/distance.ts";
import { polygonsToMask } from "../../lib/annotation/polygons.ts";
import { createRandom } from "../../lib/base/random.ts";

/** Random blobs: smoothed noise above a level, so that components have bays, bridges and holes. */
function blobs(seed: string, height: number, width: number, level = 0.5): Mask {
  const random = createRandom(1).fork(seed);
  let field = Float64Array.from({ length: height * width }, () => random.next());
  for (let pass = 0; pass < 2; pass++) {
    field = field.map((_, i) => {
      let sum = 0, n = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const y = Math.floor(i / width) + dy, x = i % width + dx;
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          sum += field[y * width + x];
          n++;
        }
      }
      return sum / n;
    });
  }
  return { data: Uint8Array.from(field, (v) => v > level ? 1 : 0), height, width };
}

/** Components by flooding pixel by pixel: the brute force that the runs are compared with. */
function floodLabels({ data, height, width }: Mask): { labels: Int32Array; count: number } {
  const labels = new Int32Array(data.length).fill(-1);
  let count = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0 || labels[i] >= 0) continue;
    const stack = [i];
    labels[i] = count;
    while (stack.length > 0) {
      const p = stack.pop()!, y = Math.floor(p / width), x = p % width;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          const ny = y + dy, nx = x + dx;
          if (ny < 0 || nx < 0 || ny >= height || nx >= width) continue;
          const q = ny * width + nx;
          if (data[q] !== 0 && labels[q] < 0) {
            labels[q] = count;
            stack.push(q);
          }
        }
      }
    }
    count++;
  }
  return { labels, count };
}

/** Draws crypts into an image of labels: their index + 1. */
function paint(crypts: readonly Crypt[], height: number, width: number): Int32Array {
  const out = new Int32Array(height * width);
  crypts.forEach((c, i) => {
    for (let p = 0; p < c.mask.length; p++) {
      if (c.mask[p] === 0) continue;
      const at = (c.top + Math.floor(p / c.width)) * width + c.left + p % c.width;
      assert.equal(out[at], 0, "crypts must not overlap");
      out[at] = i + 1;
    }
  });
  return out;
}

function disc(mask: Mask, cx: number, cy: number, radius: number): void {
  for (let y = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++) {
      if ((x - cx) ** 2 + (y - cy) ** 2 <= radius ** 2) mask.data[y * mask.width + x] = 1;
    }
  }
}

const empty = (height: number, width: number): Mask => ({
  data: new Uint8Array(height * width),
  height,
  width,
});

Deno.test("components by runs are those of flooding pixel by pixel, in the same order", () => {
  for (let n = 0; n < 12; n++) {
    const mask = blobs(`components ${n}`, 41, 37, 0.49 + 0.005 * n);
    const expected = floodLabels(mask);
    const runs = new RunCollector(mask.width);
    // In bands of rows, as inference hands them over.
    for (let row = 0; row < mask.height; row += 7) {
      runs.push(mask.data.subarray(row * mask.width, Math.min(row + 7, mask.height) * mask.width));
    }
    const all = runs.finish(), { labels, count } = labelRuns(all);
    assert.equal(count, expected.count);
    assert.ok(count > 1);
    for (let y = 0; y < mask.height; y++) {
      for (let i = all.rowStart[y]; i < all.rowStart[y + 1]; i++) {
        for (let x = all.start[i]; x < all.end[i]; x++) {
          assert.equal(labels[i], expected.labels[y * mask.width + x]);
        }
      }
    }
  }
});

Deno.test("runs refuse rows that are not whole", () => {
  const runs = new RunCollector(5);
  assert.throws(() => runs.push(new Uint8Array(7)), /rows of 5 pixels.*got 7/);
  assert.throws(() => runs.push(new Uint8Array(5), new Float32Array(4)), /4 probabilities/);
});

Deno.test("crypts without hole filling are the mask; small ones are dropped", () => {
  const mask = blobs("crypts", 60, 50);
  const crypts = findCrypts(mask, { maxHole: 0 });
  assert.deepEqual(paint(crypts, 60, 50).map((v) => v > 0 ? 1 : 0), Int32Array.from(mask.data));
  assert.deepEqual(crypts.map((c) => c.id), crypts.map((_, i) => i + 1));
  const large = findCrypts(mask, { maxHole: 0, minArea: 30 });
  assert.deepEqual(
    large.map((c) => c.area),
    crypts.map((c) => c.area).filter((area) => area >= 30),
  );
  assert.ok(large.length > 0 && large.length < crypts.length);
  assert.throws(() => findCrypts(mask, { minArea: -1 }), RangeError);
  assert.throws(() => findCrypts({ ...mask, width: 49 }), /60 x 49/);
});

Deno.test("filled holes are the background that does not reach the border, and swallow what is in them", () => {
  const mask = blobs("holes", 50, 50, 0.46);
  // Brute force: flood the background from outside, on a frame one pixel wider.
  const wide = empty(52, 52);
  for (let y = 0; y < 50; y++) {
    for (let x = 0; x < 50; x++) wide.data[(y + 1) * 52 + x + 1] = mask.data[y * 50 + x];
  }
  const outside = new Uint8Array(52 * 52), stack = [0];
  outside[0] = 1;
  while (stack.length > 0) {
    const p = stack.pop()!;
    for (const q of [p % 52 ? p - 1 : -1, p % 52 < 51 ? p + 1 : -1, p - 52, p + 52]) {
      if (q < 0 || q >= outside.length || outside[q] || wide.data[q]) continue;
      outside[q] = 1;
      stack.push(q);
    }
  }
  const expected = mask.data.map((_, i) =>
    outside[(Math.floor(i / 50) + 1) * 52 + i % 50 + 1] ? 0 : 1
  );
  const full = fillHoles(mask.data, 50, 50);
  assert.deepEqual(full.mask, expected);
  assert.ok(full.filled > 0);

  const ring = empty(21, 21);
  disc(ring, 10, 10, 9);
  for (let y = 5; y <= 15; y++) for (let x = 5; x <= 15; x++) ring.data[y * 21 + x] = 0;
  ring.data[10 * 21 + 10] = 1;
  assert.equal(findCrypts(ring, { maxHole: 0 }).length, 2);
  assert.equal(findCrypts(ring, { maxHole: 100 }).length, 2, "a hole of 120 pixels stays open");
  const [one, ...more] = findCrypts(ring);
  assert.equal(more.length, 0, "the speck in the hole is part of the crypt");
  const solid = empty(21, 21);
  disc(solid, 10, 10, 9);
  assert.equal(one.area, solid.data.reduce((a, b) => a + b));
});

Deno.test("squared distances are those of brute force", () => {
  for (const level of [0.5, 0.56, 0.6]) {
    const { data, height, width } = blobs(`distance ${level}`, 23, 31, level);
    const got = squaredDistance(data, height, width);
    for (let i = 0; i < data.length; i++) {
      let best = Infinity;
      for (let j = 0; j < data.length; j++) {
        if (data[j] === 0) continue;
        const dy = Math.floor(i / width) - Math.floor(j / width), dx = i % width - j % width;
        best = Math.min(best, dx * dx + dy * dy);
      }
      assert.equal(got[i], best);
    }
  }
  assert.ok(squaredDistance(new Uint8Array(12), 3, 4).every((d) => d === Infinity));
});

Deno.test("touching discs are cut at their neck, an ellipse and a deep overlap are not", () => {
  const pair = (distance: number) => {
    const mask = empty(60, 120);
    disc(mask, 35, 30, 20);
    disc(mask, 35 + distance, 30, 20);
    return mask;
  };
  const apart = findCrypts(pair(37), { split: true });
  assert.equal(apart.length, 2);
  for (const [i, crypt] of apart.entries()) {
    const { x, y } = measureCrypt(crypt);
    assert.ok(Math.abs(x - (35.5 + 37 * i)) < 1.5 && Math.abs(y - 30.5) < 1);
  }
  assert.equal(apart[0].area + apart[1].area, findCrypts(pair(37))[0].area, "no pixel is lost");
  assert.equal(findCrypts(pair(24), { split: true }).length, 1);
  const ellipse = empty(60, 120);
  for (let y = 0; y < 60; y++) {
    for (let x = 0; x < 120; x++) {
      if (((x - 60) / 55) ** 2 + ((y - 30) / 12) ** 2 <= 1) ellipse.data[y * 120 + x] = 1;
    }
  }
  assert.equal(findCrypts(ellipse, { split: true }).length, 1);
  const wart = pair(0);
  disc(wart, 58, 30, 4);
  assert.equal(findCrypts(wart, { split: true, minArea: 100 }).length, 1, "a wart is no crypt");
  assert.throws(() => splitTouching(new Uint8Array(4), 2, 2, 1), /neck must be in \(0, 1\)/);
});

/** GlaS scores from images of labels, pixel by pixel, without boxes, runs or distance transforms. */
function bruteScores(s: Int32Array, g: Int32Array, width: number) {
  const points = (labels: Int32Array) => {
    const out = new Map<number, [number, number][]>();
    labels.forEach((label, i) => {
      if (label === 0) return;
      if (!out.has(label)) out.set(label, []);
      out.get(label)!.push([i % width, Math.floor(i / width)]);
    });
    return out;
  };
  const mode = (labels: Int32Array, own: [number, number][]) => {
    const counts = new Map<number, number>();
    for (const [x, y] of own) {
      const label = labels[y * width + x];
      if (label) counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0] ?? [0, 0];
  };
  const directed = (a: [number, number][], b: [number, number][]) =>
    Math.max(...a.map(([x, y]) => Math.min(...b.map(([u, v]) => Math.hypot(x - u, y - v)))));
  const distance = (a: [number, number][], b: [number, number][]) =>
    Math.max(directed(a, b), directed(b, a));
  const ps = points(s), pg = points(g);
  let tp = 0;
  for (const own of ps.values()) {
    const [label, shared] = mode(g, own);
    if (label && shared / pg.get(label)!.length > 0.5) tp++;
  }
  const side = (from: typeof ps, to: typeof ps, labels: Int32Array) => {
    const total = [...from.values()].reduce((sum, p) => sum + p.length, 0);
    let dice = 0, far = 0;
    for (const own of from.values()) {
      const [label, shared] = mode(labels, own), weight = own.length / total;
      if (label) {
        dice += weight * 2 * shared / (own.length + to.get(label)!.length);
        far += weight * distance(own, to.get(label)!);
      } else {
        far += weight * Math.min(...[...to.values()].map((other) => distance(own, other)));
      }
    }
    return { dice, far };
  };
  const a = side(ps, pg, g), b = side(pg, ps, s);
  const precision = tp / ps.size, recall = tp / pg.size;
  return {
    tp,
    f1: tp === 0 ? 0 : 2 * precision * recall / (precision + recall),
    objectDice: (a.dice + b.dice) / 2,
    objectHausdorff: (a.far + b.far) / 2,
  };
}

Deno.test("GlaS F1, object Dice and object Hausdorff are those of an independent brute force", () => {
  let detected = 0;
  for (let n = 0; n < 8; n++) {
    const height = 40, width = 44, truth = blobs(`truth ${n}`, height, width, 0.51);
    // The prediction: the truth, shifted, with other blobs added, so that some overlap, some do not.
    const other = blobs(`other ${n}`, height, width, 0.56);
    const predicted = empty(height, width);
    for (let i = width + 1; i < truth.data.length; i++) {
      predicted.data[i] = n % 2 ? truth.data[i - width - 1] | other.data[i] : other.data[i];
    }
    const s = findCrypts(predicted, { minArea: 3 }), g = findCrypts(truth, { minArea: 3 });
    const got = scoreObjects(overlapCrypts(s, g));
    const expected = bruteScores(paint(s, height, width), paint(g, height, width), width);
    assert.equal(got.truePositives, expected.tp);
    assert.equal(got.falsePositives, s.length - expected.tp);
    assert.equal(got.falseNegatives, g.length - expected.tp);
    assert.ok(Math.abs(got.f1 - expected.f1) < 1e-12);
    assert.ok(Math.abs(got.objectDice - expected.objectDice) < 1e-12);
    assert.ok(Math.abs(got.objectHausdorff - expected.objectHausdorff) < 1e-9);
    detected += got.truePositives;
  }
  assert.ok(detected > 5, "some crypts must be detected for the comparison to say anything");
});

Deno.test("GlaS scores where one side or both are empty", () => {
  const mask = empty(20, 20);
  disc(mask, 8, 8, 5);
  const some = findCrypts(mask);
  const both = scoreObjects(overlapCrypts([], []));
  assert.deepEqual([both.f1, both.objectDice, both.objectHausdorff], [1, 1, 0]);
  for (const [p, t] of [[some, []], [[], some]]) {
    const one = scoreObjects(overlapCrypts(p, t));
    assert.deepEqual([one.f1, one.objectDice, one.objectHausdorff], [0, 0, Infinity]);
  }
  const same = scoreObjects(overlapCrypts(some, some));
  assert.deepEqual([same.f1, same.objectDice, same.objectHausdorff], [1, 1, 0]);
  assert.deepEqual([same.precision, same.recall], [1, 1]);
  assert.equal(hausdorff(some[0], { ...some[0], left: some[0].left + 7 }), 7);
});

Deno.test("measurements of a tilted ellipse are its own, and scikit-image's to rounding", () => {
  const mask = empty(200, 200), a = 60, b = 25, angle = 30 * Math.PI / 180;
  for (let y = 0; y < 200; y++) {
    for (let x = 0; x < 200; x++) {
      // y points down: the axis rises to the right as seen.
      const u = (x - 100) * Math.cos(angle) - (y - 90) * Math.sin(angle);
      const v = (x - 100) * Math.sin(angle) + (y - 90) * Math.cos(angle);
      if ((u / a) ** 2 + (v / b) ** 2 <= 1) mask.data[y * 200 + x] = 1;
    }
  }
  const m = measureCrypt(findCrypts(mask)[0]);
  const near = (got: number, expected: number, tolerance: number) =>
    assert.ok(Math.abs(got - expected) <= tolerance * expected, `${got} instead of ${expected}`);
  near(m.majorAxis, 2 * a, 0.01);
  near(m.minorAxis, 2 * b, 0.01);
  near(m.orientation, 30, 0.01);
  near(m.area, Math.PI * a * b, 0.005);
  // scikit-image 0.26.0: regionprops and perimeter(neighborhood=4) of the same mask.
  near(m.area, 4711, 0);
  near(m.perimeter, 290.3919189857867, 1e-12);
  near(m.majorAxis, 119.92620627820713, 1e-12);
  near(m.minorAxis, 50.015664028645624, 1e-12);
  near(m.orientation, 90 - 60.126992438741006, 1e-9);
  near(m.circularity, 4 * Math.PI * m.area / m.perimeter ** 2, 1e-12);
  near(m.x, 100.5, 1e-3);
  near(m.y, 90.5, 1e-3);
});

Deno.test("a crypt's mean probability is that of its predicted pixels, holes apart", () => {
  const mask = empty(12, 12), random = createRandom(3);
  disc(mask, 5, 5, 4);
  mask.data[5 * 12 + 5] = 0;
  const probability = Float32Array.from(mask.data, (v) => v ? 0.5 + random.next() / 2 : 0.1);
  let sum = 0, count = 0;
  mask.data.forEach((v, i) => {
    sum += v * probability[i];
    count += v;
  });
  const [crypt] = findCrypts(mask, {}, { probability });
  assert.equal(crypt.area, count + 1);
  assert.ok(Math.abs(crypt.probability! - sum / count) < 1e-6);
  assert.equal(findCrypts(mask)[0].probability, null);
});

Deno.test("GeoJSON gives every crypt back exactly, with holes and corners that touch", async () => {
  for (let n = 0; n < 10; n++) {
    const mask = blobs(`geojson ${n}`, 45, 52, 0.47 + n / 100);
    const crypts = findCrypts(mask, { maxHole: 0 });
    for (const crypt of crypts) {
      const feature = cryptFeature(crypt);
      const parts = feature.geometry.type === "Polygon"
        ? [feature.geometry.coordinates]
        : feature.geometry.coordinates;
      for (const ring of parts.flat()) {
        assert.deepEqual(ring[0], ring.at(-1), "rings are closed");
        const corners = ring.slice(1).map(String);
        assert.equal(new Set(corners).size, corners.length, "no ring touches itself");
      }
      const drawn = polygonsToMask(parsePolygons([feature]), 45, 52);
      assert.deepEqual(drawn, Uint8Array.from(paint([crypt], 45, 52)));
    }
  }
  const folder = await Deno.makeTempDir();
  try {
    const mask = blobs("file", 40, 40), path = join(folder, "crypts.geojson");
    const crypts = findCrypts(mask, { maxHole: 0 });
    await writeGeoJson(path, crypts, { className: "Crypt", pixelSize: 0.5 });
    const polygons = await readPolygons(path);
    assert.ok(polygons.every((p) => p.classification === "Crypt"));
    assert.deepEqual(polygonsToMask(polygons, 40, 40), mask.data);
    const json = JSON.parse(await Deno.readTextFile(path));
    assert.equal(json.features.length, crypts.length);
    const [{ properties, id }] = json.features;
    assert.equal(properties.measurements["Area µm^2"], crypts[0].area / 4);
    assert.deepEqual(properties.classification, { name: "Crypt", color: [0, 255, 0] });
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(json.features.map((f: { id: string }) => f.id)).size, crypts.length);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the table has µm where the pixel size is known and its columns when it is empty", () => {
  const mask = empty(30, 30);
  disc(mask, 12, 12, 8);
  disc(mask, 29, 29, 3);
  const crypts = findCrypts(mask);
  const known = cryptTable(crypts.map((c) => cryptRow("a", c, 0.5))).toRecords();
  assert.equal(known[0].area_um2, crypts[0].area / 4);
  assert.equal(known[0].perimeter_um, known[0].perimeter_px as number / 2);
  assert.deepEqual(known.map((row) => row.touches_border), [false, true]);
  const unknown = cryptTable(crypts.map((c) => cryptRow("a", c, null)));
  assert.equal(unknown.toRecords()[0].area_um2, null);
  assert.deepEqual(cryptTable([]).columns, unknown.columns);
  assert.equal(cryptsPerMm2(8, 2_000_000, 0.5), 16);
  assert.equal(cryptsPerMm2(8, 2_000_000, null), null);
  assert.throws(() => cryptsPerMm2(8, 0, 0.5), RangeError);
});
