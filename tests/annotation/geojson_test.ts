import assert from "node:assert/strict";
import { ensureMask, openDataset } from "../../lib/dataset/dataset.ts";
import {
  parsePolygons,
  readPolygons,
  toFeature,
  writeFeatures,
} from "../../lib/annotation/geojson.ts";
import type { Mask } from "../../lib/image/pixels.ts";
import { maskToPolygons, polygonsToMask } from "../../lib/annotation/polygons.ts";
import { createRandom } from "../../lib/base/random.ts";
import { sharedPath, sharedTest } from "../support/shared.ts";
import { filesBelow, withFolder } from "../support/temporary.ts";

/** A mask drawn with `#`. */
function drawn(...rows: string[]): Mask {
  const data = Uint8Array.from(rows.join(""), (c) => c === "#" ? 1 : 0);
  return { data, height: rows.length, width: rows[0].length };
}

function noise(seed: number, density: number): Mask {
  const random = createRandom(seed), height = 5 + random.int(20), width = 5 + random.int(20);
  const data = Uint8Array.from(
    { length: height * width },
    () => random.next() < density ? 1 : 0,
  );
  return { data, height, width };
}

const crypt = { classification: "crypt", colour: [200, 30, 30] } as const;

Deno.test("a region with a hole and an island in it are two polygons", () => {
  const polygons = maskToPolygons(drawn(
    ".......",
    ".#####.",
    ".#...#.",
    ".#.#.#.",
    ".#...#.",
    ".#####.",
  ));
  // wherever the tracer begins a ring
  const corners = polygons.map((p) => p.rings.map((ring) => ring.map(String).sort()));
  assert.deepEqual(corners, [
    [["1,1", "1,6", "6,1", "6,6"], ["2,2", "2,5", "5,2", "5,5"]],
    [["3,3", "3,4", "4,3", "4,4"]],
  ]);
});

Deno.test("pixels that meet at a corner are different polygons, and no ring touches itself", () => {
  assert.equal(maskToPolygons(drawn("#.", ".#")).length, 2);
  // a bay that is open at a corner only becomes a hole that touches the outline
  const [polygon, ...more] = maskToPolygons(drawn("###", "#.#", "##."));
  assert.equal(more.length, 0);
  assert.equal(polygon.rings.length, 2);
  for (let seed = 0; seed < 60; seed++) {
    for (const { rings } of maskToPolygons(noise(seed, 0.3 + seed % 5 / 10))) {
      for (const ring of rings) {
        assert.equal(new Set(ring.map(String)).size, ring.length, `seed ${seed}`);
      }
    }
  }
});

Deno.test("each polygon is one 4-connected region with its own holes", () => {
  for (let seed = 0; seed < 60; seed++) {
    const mask = noise(seed, 0.4 + seed % 5 / 10);
    const together = new Uint8Array(mask.data.length);
    const polygons = maskToPolygons(mask);
    for (const polygon of polygons) {
      const part = polygonsToMask([polygon], mask.height, mask.width);
      part.forEach((v, i) => together[i] += v);
      assert.equal(regions({ ...mask, data: part }), 1, `seed ${seed}`);
    }
    assert.deepEqual(together, mask.data, `seed ${seed}`);
    assert.equal(polygons.length, regions(mask), `seed ${seed}`);
  }
});

/** The number of 4-connected regions, by flooding. */
function regions({ data, height, width }: Mask): number {
  const left = Uint8Array.from(data);
  let count = 0;
  for (let i = 0; i < left.length; i++) {
    if (!left[i]) continue;
    count++;
    const stack = [i];
    while (stack.length) {
      const p = stack.pop()!;
      if (!left[p]) continue;
      left[p] = 0;
      if (p % width > 0) stack.push(p - 1);
      if (p % width < width - 1) stack.push(p + 1);
      if (p >= width) stack.push(p - width);
      if (p < width * (height - 1)) stack.push(p + width);
    }
  }
  return count;
}

Deno.test("outer rings run clockwise on the screen, holes the other way round", () => {
  const area = (ring: readonly (readonly [number, number])[]) =>
    ring.reduce((sum, [x, y], i) => {
      const [u, v] = ring[(i + 1) % ring.length];
      return sum + x * v - u * y;
    }, 0) / 2;
  const [{ rings }] = maskToPolygons(drawn("####", "#..#", "####"));
  assert.deepEqual(rings.map(area), [12, -2]);
});

Deno.test("a placed mask lies where it was cut out, in full-resolution pixels", () => {
  const [{ rings: [ring] }] = maskToPolygons(drawn("#"), { left: 10, top: 20, scale: [2, 3] });
  assert.deepEqual(
    [...ring].sort((a, b) => a[1] - b[1] || a[0] - b[0]),
    [[20, 60], [22, 60], [20, 63], [22, 63]],
  );
});

Deno.test("an empty mask has no polygons", () => {
  assert.deepEqual(maskToPolygons(drawn("...", "...")), []);
});

Deno.test("a feature has what QuPath reads: closed rings, class, colour, measurements", () => {
  const polygons = maskToPolygons(drawn("###", "#.#", "###"));
  const one = toFeature({
    ...crypt,
    polygons,
    name: "crypt 1",
    measurements: { "Area µm^2": 2.5, Circularity: NaN },
  });
  assert.equal(one.geometry.type, "Polygon");
  for (const ring of one.geometry.coordinates as unknown[][]) {
    assert.deepEqual(ring[0], ring.at(-1));
  }
  assert.deepEqual(one.properties, {
    objectType: "annotation",
    name: "crypt 1",
    classification: { name: "crypt", color: [200, 30, 30] },
    measurements: { "Area µm^2": 2.5 },
  });
  assert.ok(!("id" in one));
  const two = toFeature({
    ...crypt,
    polygons: [...polygons, ...polygons],
    id: "7d3e…",
    objectType: "detection",
  });
  assert.equal(two.geometry.type, "MultiPolygon");
  assert.deepEqual([two.id, two.properties.objectType], ["7d3e…", "detection"]);
  assert.ok(!("name" in two.properties));
});

Deno.test("a file of annotations reads back as the same polygons", () =>
  withFolder(async (folder) => {
    const mask = noise(3, 0.6), path = `${folder}/deep/a.geojson`;
    const polygons = maskToPolygons(mask);
    const features = polygons.map((polygon) => toFeature({ ...crypt, polygons: [polygon] }));
    await writeFeatures(path, [features[0], ...features.slice(1).map((f) => JSON.stringify(f))]);
    assert.equal(JSON.parse(await Deno.readTextFile(path)).type, "FeatureCollection");
    const back = await readPolygons(path);
    assert.equal(back.length, polygons.length);
    assert.ok(back.every(({ classification }) => classification === "crypt"));
    assert.deepEqual(polygonsToMask(back, mask.height, mask.width), mask.data);
  }));

Deno.test("annotations without outline or with no colour are refused, by name", () => {
  const polygons = maskToPolygons(drawn("#"));
  assert.throws(
    () => toFeature({ ...crypt, polygons: [], name: "no 7" }),
    /annotation "no 7" has no polygon/,
  );
  assert.throws(
    () => toFeature({ ...crypt, polygons, colour: [0, 256, 0] }),
    /annotation "crypt": colour must be three bytes, got \[0,256,0\]/,
  );
});

Deno.test("a file of annotations that cannot be written is named and not left behind", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/blocked`, "");
    await assert.rejects(
      writeFeatures(`${folder}/blocked/a.geojson`, []),
      /cannot write .*blocked/,
    );
    assert.deepEqual(await filesBelow(folder), ["blocked"]);
  }));

sharedTest("real masks survive mask → GeoJSON → mask exactly", async () => {
  const { test } = await openDataset(sharedPath("glas"));
  for (const record of test) {
    const mask = await ensureMask(record);
    const features = maskToPolygons(mask).map((p) => toFeature({ ...crypt, polygons: [p] }));
    const back = parsePolygons(JSON.parse(JSON.stringify(features)));
    assert.deepEqual(polygonsToMask(back, mask.height, mask.width), mask.data, record.id);
  }
});
