import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { collectNotices } from "../../lib/base/notices.ts";
import { readPolygons } from "../../lib/annotation/geojson.ts";
import { polygonsToMask } from "../../lib/annotation/polygons.ts";
import { withFolder } from "../support/temporary.ts";

const HEIGHT = 20, WIDTH = 30;

/** A square of `side` pixels, its corner at `x`, `x`. */
function square(x: number, side: number, more: Record<string, unknown> = {}) {
  const ring = [[x, x], [x + side, x], [x + side, x + side], [x, x + side], [x, x]];
  return {
    type: "Feature",
    id: "5b2fbb4e-0000-4000-8000-000000000000",
    geometry: { type: "Polygon", coordinates: [ring] },
    properties: { objectType: "annotation", ...more },
  };
}

const classed = (x: number, side: number, name: string) =>
  square(x, side, { classification: { name, color: [200, 0, 0] } });
const geometryOf = (x: number, side: number) => square(x, side).geometry;
const point = { type: "Point", coordinates: [1, 2] };

interface Dialect {
  name: string;
  json: unknown;
  /** Written instead of the JSON's own text. */
  bytes?: Uint8Array | string;
  annotationClass?: string;
  area: number;
  notice?: RegExp;
}

const feature = square(2, 3), text = JSON.stringify(feature);
const DIALECTS: Dialect[] = [
  { name: "a list", json: [feature, square(9, 2)], area: 13 },
  { name: "an empty list", json: [], area: 0 },
  {
    name: "a FeatureCollection",
    json: { type: "FeatureCollection", features: [feature] },
    area: 9,
  },
  { name: "a single feature", json: feature, area: 9 },
  { name: "a bare geometry", json: feature.geometry, area: 9 },
  { name: "a byte order mark", json: null, bytes: "\uFEFF" + text, area: 9 },
  { name: "gzip", json: null, bytes: gzipSync(text), area: 9 },
  {
    name: "NaN and Infinity among measurements, the words in names",
    json: null,
    bytes: text.replace(
      '"objectType"',
      '"name":"a \\"NaN\\" -Infinity","m":[NaN,-Infinity],"objectType"',
    ),
    area: 9,
  },
  {
    name: "a MultiPolygon",
    json: [{
      ...feature,
      geometry: {
        type: "MultiPolygon",
        coordinates: [geometryOf(2, 3).coordinates, geometryOf(9, 2).coordinates],
      },
    }],
    area: 13,
  },
  {
    name: "a GeometryCollection with a point",
    json: [{
      ...feature,
      geometry: {
        type: "GeometryCollection",
        geometries: [geometryOf(2, 3), point, geometryOf(9, 2)],
      },
    }],
    area: 13,
    notice: /left out what is no area: feature 0 is a Point/,
  },
  {
    name: "points and lines beside polygons",
    json: [
      { ...feature, geometry: point },
      feature,
      { ...feature, geometry: { type: "LineString", coordinates: [[0, 0], [9, 9]] } },
    ],
    area: 9,
    notice: /feature 0 is a Point, feature 2 is a LineString/,
  },
  {
    name: "a feature without geometry",
    json: [{ ...feature, geometry: null }, feature],
    area: 9,
    notice: /feature 0 has no geometry/,
  },
  {
    name: "child objects within child objects",
    json: [square(2, 3, { childObjects: [square(9, 2, { childObjects: [square(15, 1)] })] })],
    area: 14,
  },
  {
    name: "QuPath 0.2: the kind of object as id, a class as text",
    json: [{ ...square(2, 3, { classification: "Crypt" }), id: "PathAnnotationObject" }],
    area: 9,
  },
  {
    name: "QuPath 0.2: the root and tiles around annotations",
    json: [
      { ...square(0, 15), id: "PathRootObject", properties: {} },
      { ...square(0, 10), id: "PathTileObject", properties: {} },
      { ...feature, id: "PathDetectionObject", properties: {} },
    ],
    area: 9,
    notice: /feature 0 is a PathRootObject, feature 1 is a PathTileObject/,
  },
  {
    name: "a core of a tissue micro-array whose children are annotations",
    json: [{
      ...square(0, 15),
      properties: { objectType: "tma_core", childObjects: [feature] },
    }],
    area: 9,
    notice: /feature 0 is a tma_core/,
  },
  { name: "one class of any name", json: [classed(2, 3, "Gland")], area: 9 },
  {
    name: "several classes, of which Crypt is taken",
    json: [classed(2, 3, "Crypt"), classed(9, 2, "Stroma"), square(12, 1)],
    area: 9,
  },
  {
    name: "crypt in small letters",
    json: [classed(2, 3, "crypt"), classed(9, 2, "Stroma")],
    area: 9,
  },
  {
    name: "classes derived from Crypt",
    json: [
      square(2, 3, { classification: { names: ["Crypt", "large"] } }),
      classed(9, 2, "Crypt: small"),
      classed(14, 1, "Cryptic"),
    ],
    area: 13,
  },
  {
    name: "Ignore* and Region*, which are no crypts",
    json: [classed(0, 15, "Region*"), classed(2, 3, "Gland"), classed(9, 2, "Ignore*")],
    area: 9,
  },
  { name: "only Ignore*", json: [classed(2, 3, "Ignore*")], area: 0 },
  {
    name: "a class by its option",
    json: [classed(2, 3, "Gland"), classed(9, 2, "Crypt")],
    annotationClass: "gland",
    area: 9,
  },
  {
    name: "a class by its option, which the file lacks",
    json: [classed(2, 3, "Gland")],
    annotationClass: "Crypt",
    area: 0,
    notice: /has nothing of the class "Crypt", but "Gland"/,
  },
];

for (const { name, json, bytes, annotationClass, area, notice } of DIALECTS) {
  Deno.test(`QuPath's dialects: ${name}`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/a.geojson`;
      if (bytes instanceof Uint8Array) await Deno.writeFile(path, bytes);
      else await Deno.writeTextFile(path, bytes ?? JSON.stringify(json));
      const { result, notices } = await collectNotices(() =>
        readPolygons(path, { annotationClass })
      );
      const mask = polygonsToMask(result, HEIGHT, WIDTH);
      assert.equal(mask.reduce((sum, v) => sum + v, 0), area);
      if (notice) assert.match(notices.join("\n"), notice);
      else assert.deepEqual(notices, []);
    }));
}

const REFUSED: [string, string | Uint8Array, RegExp][] = [
  [
    "several classes without Crypt",
    JSON.stringify([classed(2, 3, "Gland"), classed(9, 2, "Stroma"), square(1, 1)]),
    /a\.json has the classes "Gland", "Stroma", no class, none of them "Crypt": name the one/,
  ],
  [
    "a NaN in an outline",
    text.replace("[2,2]", "[NaN,2]"),
    /a\.json: feature 0, ring 0, point 0 must be two numbers, got \[null,2\]/,
  ],
  [
    "a broken child",
    JSON.stringify([square(2, 3, { childObjects: [{ geometry: { type: "Polygon" } }] })]),
    /a\.json: feature 0, child 0 has no outline/,
  ],
  [
    "a collection within a collection",
    JSON.stringify([{
      geometry: { type: "GeometryCollection", geometries: [{ type: "GeometryCollection" }] },
    }]),
    /feature 0 is a collection within a collection/,
  ],
  ["UTF-16", Uint8Array.from([0xff, 0xfe, 0x5b, 0, 0x5d, 0]), /annotations .*a\.json is UTF-16/],
  ["UTF-16 without mark", Uint8Array.from([0x5b, 0, 0x5d, 0]), /a\.json is UTF-16 or binary/],
  [
    "Latin-1",
    Uint8Array.from('[\n"\u00fc"]', (c) => c.charCodeAt(0)),
    /a\.json: line 2 is no UTF-8/,
  ],
  ["a gzip that ends early", gzipSync(text).subarray(0, 40), /a\.json cannot be unpacked/],
  ["a gzip bomb", gzipSync(new Uint8Array(2 ** 27)), /a\.json cannot be unpacked/],
  ["half a file", text.slice(0, 90), /a\.json are no JSON/],
];

for (const [name, content, sentence] of REFUSED) {
  Deno.test(`annotations that are refused by name: ${name}`, () =>
    withFolder(async (folder) => {
      const path = `${folder}/a.json`;
      if (typeof content === "string") await Deno.writeTextFile(path, content);
      else await Deno.writeFile(path, content);
      await assert.rejects(readPolygons(path), { name: "RangeError", message: sentence });
    }));
}

Deno.test("two thousand nested and two hundred thousand sibling children are walked", () =>
  withFolder(async (folder) => {
    let nested = square(2, 3);
    for (let i = 0; i < 2000; i++) nested = square(2, 3, { childObjects: [nested] });
    const path = `${folder}/a.json`;
    await Deno.writeTextFile(path, JSON.stringify([nested]));
    assert.equal((await readPolygons(path)).length, 2001);
    const many = square(2, 3, {
      childObjects: Array(200_000).fill({ geometry: feature.geometry }),
    });
    await Deno.writeTextFile(path, JSON.stringify(many));
    assert.equal((await readPolygons(path)).length, 200_001);
  }));
