/** Annotations as GeoJSON, as QuPath reads and writes it: full-resolution pixels from the top left. */
import { decodeText, notice, refuseSpecial, writeWhole } from "../base/mod.ts";
import { cryptObjects } from "./classes.ts";
import { objectsOf } from "./features.ts";
import type { Polygon, Ring } from "./polygons.ts";

/** Settings of {@link readPolygons}. */
export interface PolygonOptions {
  /** The class in QuPath that is crypt; default: the only one there is, else `Crypt`. */
  annotationClass?: string | null;
}

/**
 * Reads the polygons of a GeoJSON file as QuPath exports it, gzipped or not: a list of features, a
 * FeatureCollection or a single feature; Polygon, MultiPolygon and GeometryCollection; child objects
 * too. Points, lines and features without geometry are left out with a notice, as are the classes
 * that are not crypt (see `classes.ts`).
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and the feature whose outline is broken, or the classes when
 *   they are several and none is `Crypt`
 * @example
 * ```ts
 * import { readPolygons } from "crypts/annotation";
 * const polygons = await readPolygons("train/a.geojson", { annotationClass: "Gland" });
 * ```
 */
export async function readPolygons(path: string, options: PolygonOptions = {}): Promise<Polygon[]> {
  let data: Uint8Array;
  try {
    refuseSpecial(path, "it");
    data = await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`no annotations at ${path}`);
    }
    throw new Error(`cannot read annotations ${path}: ${(cause as Error).message}`, { cause });
  }
  const text = await decodeText(data, `annotations ${path}`);
  return parsePolygons(parseJson(text, path), path, options);
}

/**
 * The polygons in parsed GeoJSON; see {@link readPolygons}.
 *
 * @param name what errors call the source, e.g. the file
 */
export function parsePolygons(
  json: unknown,
  name = "GeoJSON",
  options: PolygonOptions = {},
): Polygon[] {
  const { objects, skipped } = objectsOf(json, name);
  if (skipped.length > 0) {
    const rest = skipped.length > 3 ? `, and ${skipped.length - 3} more` : "";
    notice(`${name}: left out what is no area: ${skipped.slice(0, 3).join(", ")}${rest}`);
  }
  return cryptObjects(objects, name, options.annotationClass ?? null)
    .flatMap(({ parts, classification }) => parts.map((rings) => ({ rings, classification })));
}

/** JSON, also with the bare NaN and Infinity that QuPath has written among measurements. */
function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Strings are matched first, so that what is in them stays.
    const mended = text.replace(
      /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g,
      (token) => token.startsWith('"') ? token : "null",
    );
    try {
      return JSON.parse(mended);
    } catch {
      throw new RangeError(`annotations ${path} are no JSON: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
}

/** One object in QuPath. */
export interface Annotation {
  /** Its outline: one polygon, or several that belong together. */
  polygons: readonly Polygon[];
  /** Name of its class, e.g. `crypt`. */
  classification: string;
  /** Colour of the class: red, green and blue, 0 to 255. */
  colour: readonly [red: number, green: number, blue: number];
  /** `"annotation"` (default) can be edited in QuPath, `"detection"` is faster by the thousand. */
  objectType?: "annotation" | "detection";
  /** A UUID; QuPath makes one where it is absent. */
  id?: string;
  /** Name of the object. */
  name?: string;
  /** Shown in QuPath's tables; values that are not finite are left out. */
  measurements?: Readonly<Record<string, number>>;
}

/** A GeoJSON feature in the dialect of QuPath 0.4 and later (`qupath.lib.io.QuPathTypeAdapters`). */
export interface AnnotationFeature {
  type: "Feature";
  id?: string;
  geometry:
    | { type: "Polygon"; coordinates: Ring[] }
    | { type: "MultiPolygon"; coordinates: Ring[][] };
  properties: {
    objectType: "annotation" | "detection";
    name?: string;
    classification: { name: string; color: [number, number, number] };
    measurements: Record<string, number>;
  };
}

/**
 * An annotation as a GeoJSON feature that QuPath opens.
 *
 * @throws {RangeError} when it has no polygon or its colour is not three bytes
 */
export function toFeature(annotation: Annotation): AnnotationFeature {
  const { polygons, classification, colour, objectType = "annotation", id, name } = annotation;
  const what = `annotation "${name ?? id ?? classification}"`;
  if (polygons.length === 0) throw new RangeError(`${what} has no polygon`);
  if (!colour.every((c) => Number.isInteger(c) && c >= 0 && c <= 255)) {
    throw new RangeError(`${what}: colour must be three bytes, got [${colour}]`);
  }
  const parts = polygons.map(({ rings }) => rings.map(closed));
  const finite = Object.entries(annotation.measurements ?? {})
    .filter(([, value]) => Number.isFinite(value));
  return {
    type: "Feature",
    ...(id === undefined ? {} : { id }),
    geometry: parts.length === 1
      ? { type: "Polygon", coordinates: parts[0] }
      : { type: "MultiPolygon", coordinates: parts },
    properties: {
      objectType,
      ...(name === undefined ? {} : { name }),
      classification: { name: classification, color: [...colour] },
      measurements: Object.fromEntries(finite),
    },
  };
}

/**
 * Writes a FeatureCollection, one feature a line; the file is whole or absent. QuPath opens it with
 * File, Import objects; {@link readPolygons} reads it back.
 *
 * @param features results of {@link toFeature}, or their JSON, which takes less memory
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeFeatures(
  path: string,
  features: readonly (AnnotationFeature | string)[],
): Promise<void> {
  const lines = features.map((f) => typeof f === "string" ? f : JSON.stringify(f));
  const body = lines.join(",\n");
  await writeWhole(path, `{"type":"FeatureCollection","features":[\n${body}\n]}\n`);
}

/** GeoJSON repeats the first point at the end. */
function closed(ring: Ring): Ring {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  return first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
}
