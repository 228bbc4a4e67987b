import assert from "node:assert/strict";
import { parsePolygons, readPolygons } from "../../lib/annotation/geojson.ts";
import { type Polygon, polygonsToMask } from "../../lib/annotation/polygons.ts";
import { withFolder } from "../support/temporary.ts";

const feature = (type: string, coordinates: unknown, name?: string) => ({
  type: "Feature",
  geometry: { type, coordinates },
  properties: name ? { classification: { name } } : {},
});
const square = (x: number, y: number, side: number) => [
  [x, y],
  [x + side, y],
  [x + side, y + side],
  [x, y + side],
  [x, y],
];
const area = (mask: Uint8Array) => mask.reduce((a, b) => a + b, 0);
const draw = (json: unknown, height = 20, width = 30) =>
  polygonsToMask(parsePolygons(json), height, width);

Deno.test("a rectangle on pixel corners covers exactly its pixels", () => {
  const mask = draw([feature("Polygon", [[[2, 1], [5, 1], [5, 3], [2, 3], [2, 1]]])], 4, 6);
  assert.deepEqual([...mask], [
    ...[0, 0, 0, 0, 0, 0],
    ...[0, 0, 1, 1, 1, 0],
    ...[0, 0, 1, 1, 1, 0],
    ...[0, 0, 0, 0, 0, 0],
  ]);
});

Deno.test("holes are holes, and what lies in a hole of another polygon stays", () => {
  const ring = feature("Polygon", [square(1, 1, 12), square(4, 4, 6)]);
  assert.equal(area(draw([ring])), 144 - 36);
  assert.equal(area(draw([ring, feature("Polygon", [square(6, 6, 2)])])), 144 - 36 + 4);
});

Deno.test("a MultiPolygon is all its parts, each with its holes", () => {
  const multi = feature("MultiPolygon", [[square(0, 0, 5), square(1, 1, 2)], [square(10, 10, 4)]]);
  assert.equal(area(draw([multi])), 25 - 4 + 16);
  assert.equal(parsePolygons([multi]).length, 2);
});

Deno.test("overlapping polygons are united", () => {
  const two = [feature("Polygon", [square(0, 0, 6)]), feature("Polygon", [square(3, 3, 6)])];
  assert.equal(area(draw(two)), 36 + 36 - 9);
});

Deno.test("an open ring is closed, its direction does not matter", () => {
  const open = square(2, 2, 7).slice(0, 4);
  const expected = draw([feature("Polygon", [square(2, 2, 7)])]);
  assert.deepEqual(draw([feature("Polygon", [open])]), expected);
  assert.deepEqual(draw([feature("Polygon", [[...open].reverse()])]), expected);
});

Deno.test("the part outside of the image is cut off", () => {
  assert.equal(area(draw([feature("Polygon", [square(-4, -3, 10)])])), 6 * 7);
  assert.equal(area(draw([feature("Polygon", [square(25, 15, 100)])])), 5 * 5);
  assert.equal(area(draw([feature("Polygon", [square(100, 100, 5)])])), 0);
});

Deno.test("a pixel belongs to a slanted polygon when its centre does", () => {
  const corners = [[3.2, 1.1], [27.9, 6.3], [14.4, 18.8]];
  const mask = draw([feature("Polygon", [corners])]);
  const inside = (px: number, py: number) => {
    const sides = corners.map(([x, y], i) => {
      const [u, v] = corners[(i + 1) % 3];
      return (u - x) * (py - y) - (v - y) * (px - x) > 0;
    });
    return sides.every((s) => s === sides[0]);
  };
  mask.forEach((v, i) =>
    assert.equal(v === 1, inside(i % 30 + 0.5, Math.floor(i / 30) + 0.5), `pixel ${i}`)
  );
});

Deno.test("a disc has its area to a fraction of a percent", () => {
  const ring = Array.from(
    { length: 720 },
    (_, i): [number, number] => [
      200 + 150.3 * Math.cos(i * Math.PI / 360),
      190 + 150.3 * Math.sin(i * Math.PI / 360),
    ],
  );
  const polygon: Polygon = { rings: [ring], classification: null };
  const expected = Math.PI * 150.3 ** 2;
  assert.ok(Math.abs(area(polygonsToMask([polygon], 400, 400)) / expected - 1) < 2e-3);
});

Deno.test("lists, collections and single features are read, with their class", () =>
  withFolder(async (folder) => {
    const one = feature("Polygon", [square(0, 0, 2)], "crypt");
    const path = `${folder}/a.json`;
    for (const json of [[one], one, { type: "FeatureCollection", features: [one] }]) {
      await Deno.writeTextFile(path, JSON.stringify(json));
      const polygons = await readPolygons(path);
      assert.equal(polygons.length, 1);
      assert.equal(polygons[0].classification, "crypt");
      assert.equal(polygons[0].rings[0].length, 5);
    }
    assert.deepEqual(parsePolygons([]), []);
  }));

Deno.test("bad annotations are refused, naming file and feature", () =>
  withFolder(async (folder) => {
    const path = `${folder}/bad.json`, good = feature("Polygon", [square(0, 0, 2)]);
    const cases: [string, RegExp][] = [
      ["{", /bad\.json are no JSON/],
      ['{"type":"Point"}', /bad\.json must be a list of features.*got Point/],
      ["null", /must be a list of features/],
      [JSON.stringify([good, feature("Curve", [1, 2])]), /feature 1 must be a Polygon.*got Curve/],
      [JSON.stringify([good, null]), /feature 1 must be an object, got null/],
      [JSON.stringify([feature("Polygon", [])]), /feature 0 has no outline/],
      [JSON.stringify([feature("Polygon", [[[0, 0], [1, 1]]])]), /ring 0 must have at least 3/],
      [
        JSON.stringify([good, feature("Polygon", [[[0, 0], [1, "x"], [2, 2]]])]),
        /bad\.json: feature 1, ring 0, point 1 must be two numbers, got \[1,"x"\]/,
      ],
    ];
    for (const [text, message] of cases) {
      await Deno.writeTextFile(path, text);
      await assert.rejects(readPolygons(path), { name: "RangeError", message }, text);
    }
    await assert.rejects(readPolygons(`${folder}/none.json`), /no annotations at .*none\.json/);
    assert.throws(() => polygonsToMask([], 3, -1), /got 3 x -1/);
  }));
