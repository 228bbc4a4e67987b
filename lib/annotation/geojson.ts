/** Annotations as GeoJSON, as QuPath reads and writes it: full-resolution pixels from the top left. */
import { writeWhole } from "../base/mod.ts";
import type { Point, Polygon, Ring } from "./polygons.ts";

/**
 * Reads the polygons of a GeoJSON file as QuPath exports it: a list of features, a
 * FeatureCollection or a single feature, with Polygon and MultiPolygon geometries.
 *
 * @throws {Deno.errors.NotFound} when there is no such file
 * @throws {RangeError} naming the file and the feature that is no polygon or has a bad outline
 */
export async function readPolygons(path: string): Promise<Polygon[]> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(`no annotations at ${path}`);
    }
    throw new Error(`cannot read annotations ${path}: ${(cause as Error).message}`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`annotations ${path} are no JSON: ${(cause as Error).message}`, { cause });
  }
  return parsePolygons(json, path);
}

/**
 * The polygons in parsed GeoJSON; see {@link readPolygons}.
 *
 * @param name what errors call the source, e.g. the file
 */
export function parsePolygons(json: unknown, name = "GeoJSON"): Polygon[] {
  const polygons: Polygon[] = [];
  featuresOf(json, name).forEach((feature, i) => {
    const where = `${name}: feature ${i}`;
    const { geometry, properties } = feature as Feature;
    const classification = properties?.classification?.name ?? null;
    const parts = geometry?.type === "Polygon"
      ? [geometry.coordinates]
      : geometry?.type === "MultiPolygon"
      ? geometry.coordinates
      : null;
    if (!Array.isArray(parts)) {
      throw new RangeError(
        `${where} must be a Polygon or a MultiPolygon, got ${geometry?.type ?? "no geometry"}`,
      );
    }
    for (const part of parts) polygons.push({ rings: ringsOf(part, where), classification });
  });
  return polygons;
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

interface Feature {
  geometry?: { type?: string; coordinates?: unknown };
  properties?: { classification?: { name?: string } };
}

function featuresOf(json: unknown, name: string): unknown[] {
  if (Array.isArray(json)) return json;
  const object = json as { type?: string; features?: unknown } | null;
  if (object?.type === "FeatureCollection" && Array.isArray(object.features)) {
    return object.features;
  }
  if (object?.type === "Feature") return [object];
  throw new RangeError(
    `${name} must be a list of features, a FeatureCollection or a Feature, ` +
      `got ${object?.type ?? typeof json}`,
  );
}

function ringsOf(part: unknown, where: string): Ring[] {
  if (!Array.isArray(part) || part.length === 0) throw new RangeError(`${where} has no outline`);
  return part.map((ring: unknown, r) => {
    if (!Array.isArray(ring) || ring.length < 3) {
      throw new RangeError(`${where}, ring ${r} must have at least 3 points`);
    }
    return ring.map((point: unknown, p): Point => {
      const [x, y] = Array.isArray(point) ? point : [];
      if (!(Number.isFinite(x) && Number.isFinite(y))) {
        throw new RangeError(
          `${where}, ring ${r}, point ${p} must be two numbers, got ${JSON.stringify(point)}`,
        );
      }
      return [x, y];
    });
  });
}
