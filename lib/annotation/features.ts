/** The objects in GeoJSON of QuPath since 0.2, whatever they are wrapped in. */
import type { Point, Ring } from "./polygons.ts";

/** One annotated object: its outlines, each with its holes. */
export interface AnnotatedObject {
  /** Where it lies in the file, e.g. `feature 3` or `feature 3, child 0`. */
  where: string;
  /** The name of its class in QuPath; null where it has none. */
  classification: string | null;
  /** Rings of each polygon. */
  parts: Ring[][];
}

/** What {@link objectsOf} finds. */
export interface AnnotatedObjects {
  objects: AnnotatedObject[];
  /** What is no area and was left out, e.g. `feature 3 is a Point`. */
  skipped: string[];
}

/** Objects of QuPath that are no annotations: grids and the cores of tissue micro-arrays. */
const NO_ANNOTATION = /^(path)?(tile|root|tma_?core)(object)?$/i;

interface Geometry {
  type?: unknown;
  coordinates?: unknown;
  geometries?: unknown;
}

interface Feature {
  type?: unknown;
  id?: unknown;
  geometry?: Geometry | null;
  properties?: {
    classification?: { name?: unknown; names?: unknown } | string | null;
    objectType?: unknown;
    object_type?: unknown;
    childObjects?: unknown;
  } | null;
}

/**
 * Collects the objects of parsed GeoJSON: a list of features, a FeatureCollection, one feature or a
 * bare geometry; Polygon, MultiPolygon and the polygons of a GeometryCollection; child objects too.
 *
 * @param name what errors call the source, e.g. the file
 * @throws {RangeError} naming the source and the feature whose outline is broken
 */
export function objectsOf(json: unknown, name: string): AnnotatedObjects {
  const found: AnnotatedObjects = { objects: [], skipped: [] };
  // A stack instead of recursion: child objects may be nested as deeply as their author likes.
  const stack = featuresOf(json, name).map((feature, i) => ({ feature, where: `feature ${i}` }));
  stack.reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { feature, where } = next;
    if (feature === null || typeof feature !== "object") {
      throw new RangeError(`${name}: ${where} must be an object, got ${JSON.stringify(feature)}`);
    }
    const { geometry, properties, id } = feature as Feature;
    const kind = properties?.objectType ?? properties?.object_type ?? id;
    const children = properties?.childObjects;
    if (Array.isArray(children)) {
      for (let i = children.length - 1; i >= 0; i--) {
        stack.push({ feature: children[i], where: `${where}, child ${i}` });
      }
    }
    if (typeof kind === "string" && NO_ANNOTATION.test(kind)) {
      found.skipped.push(`${where} is a ${kind}`);
      continue;
    }
    const parts: Ring[][] = [];
    collectParts(geometry ?? null, `${name}: ${where}`, where, parts, found.skipped);
    if (parts.length === 0) continue;
    found.objects.push({ where, classification: className(feature as Feature), parts });
  }
  return found;
}

function featuresOf(json: unknown, name: string): unknown[] {
  if (Array.isArray(json)) return json;
  const object = json as { type?: unknown; features?: unknown } | null;
  if (object?.type === "FeatureCollection" && Array.isArray(object.features)) {
    return object.features;
  }
  if (object?.type === "Feature") return [object];
  const geometries = ["Polygon", "MultiPolygon", "GeometryCollection"];
  if (geometries.includes(String(object?.type))) return [{ type: "Feature", geometry: object }];
  throw new RangeError(
    `${name} must be a list of features, a FeatureCollection, a Feature or a geometry, ` +
      `got ${object?.type ?? typeof json}`,
  );
}

/** QuPath writes `{"name": …}`, since 0.5 also `{"names": ["Crypt", "large"]}`. */
function className({ properties }: Feature): string | null {
  const given = properties?.classification;
  if (typeof given === "string") return given;
  if (Array.isArray(given?.names)) return given.names.join(": ") || null;
  return typeof given?.name === "string" && given.name !== "" ? given.name : null;
}

function collectParts(
  geometry: Geometry | null,
  source: string,
  where: string,
  parts: Ring[][],
  skipped: string[],
): void {
  const coordinates = geometry?.coordinates;
  switch (geometry?.type) {
    case "Polygon":
      parts.push(ringsOf(coordinates, source));
      break;
    case "MultiPolygon":
      if (!Array.isArray(coordinates)) throw new RangeError(`${source} has no outline`);
      for (const part of coordinates) parts.push(ringsOf(part, source));
      break;
    case "GeometryCollection": {
      // Collections within collections are not in QuPath's exports: their areas would be lost.
      const inner = Array.isArray(geometry.geometries) ? geometry.geometries as Geometry[] : [];
      if (inner.some((g) => g?.type === "GeometryCollection")) {
        throw new RangeError(`${source} is a collection within a collection`);
      }
      for (const part of inner) collectParts(part, source, where, parts, skipped);
      break;
    }
    case "Point":
    case "MultiPoint":
    case "LineString":
    case "MultiLineString":
      skipped.push(`${where} is a ${geometry.type}`);
      break;
    case undefined:
    case null:
      skipped.push(`${where} has no geometry`);
      break;
    default:
      throw new RangeError(
        `${source} must be a Polygon or a MultiPolygon, got ${String(geometry?.type)}`,
      );
  }
}

function ringsOf(part: unknown, source: string): Ring[] {
  if (!Array.isArray(part) || part.length === 0) throw new RangeError(`${source} has no outline`);
  return part.map((ring: unknown, r) => {
    if (!Array.isArray(ring) || ring.length < 3) {
      throw new RangeError(`${source}, ring ${r} must have at least 3 points`);
    }
    return ring.map((point: unknown, p): Point => {
      const [x, y] = Array.isArray(point) ? point : [];
      if (!(Number.isFinite(x) && Number.isFinite(y))) {
        throw new RangeError(
          `${source}, ring ${r}, point ${p} must be two numbers, got ${JSON.stringify(point)}`,
        );
      }
      return [x, y];
    });
  });
}
