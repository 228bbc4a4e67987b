/** Crypts as GeoJSON that QuPath opens. */
import {
  type AnnotationFeature,
  maskToPolygons,
  toFeature,
  writeFeatures,
} from "../annotation/mod.ts";
import type { Crypt } from "./find.ts";
import { measureCrypt } from "./measure.ts";

export { type AnnotationFeature as CryptFeature, writeFeatures } from "../annotation/mod.ts";

/** How the features are labelled. */
export interface GeoJsonOptions {
  /** The class in QuPath; default "Crypt". */
  className?: string;
  /** Its colour; default green, the colour of predictions. */
  colour?: readonly [red: number, green: number, blue: number];
  /** `"annotation"` can be edited in QuPath, `"detection"` is faster by the thousand; default annotation. */
  objectType?: "annotation" | "detection";
  /** µm a pixel: adds measurements in µm. */
  pixelSize?: number | null;
}

/**
 * A crypt as a feature: outlines along pixel edges in pixels of the full image, origin top left,
 * holes as inner rings. `polygonsToMask` of `lib/annotation/polygons.ts` gives the pixels back exactly.
 */
export function cryptFeature(crypt: Crypt, options: GeoJsonOptions = {}): AnnotationFeature {
  const { className = "Crypt", colour = [0, 255, 0], objectType = "annotation" } = options;
  const { mask, height, width, top, left } = crypt;
  return toFeature({
    polygons: maskToPolygons({ data: mask, height, width }, { top, left }),
    classification: className,
    colour,
    objectType,
    id: stableId(crypt, className),
    name: `${className} ${crypt.id}`,
    measurements: measurementsOf(crypt, options.pixelSize ?? null),
  });
}

/**
 * Writes crypts as a FeatureCollection (QuPath: File, Import objects), whole or not at all.
 *
 * @throws {Error} naming the file when it cannot be written
 */
export async function writeGeoJson(
  path: string,
  crypts: Iterable<Crypt>,
  options: GeoJsonOptions = {},
): Promise<void> {
  const lines = Array.from(crypts, (crypt) => JSON.stringify(cryptFeature(crypt, options)));
  await writeFeatures(path, lines);
}

function measurementsOf(crypt: Crypt, pixelSize: number | null): Record<string, number> {
  const m = measureCrypt(crypt), round = (value: number) => Number(value.toFixed(4));
  const out: Record<string, number> = {
    "Area px^2": m.area,
    "Perimeter px": round(m.perimeter),
    "Circularity": round(m.circularity),
    "Major axis px": round(m.majorAxis),
    "Minor axis px": round(m.minorAxis),
    "Orientation deg": round(m.orientation),
  };
  if (crypt.probability !== null) out["Mean probability"] = round(crypt.probability);
  if (pixelSize !== null) {
    out["Area µm^2"] = round(m.area * pixelSize ** 2);
    out["Perimeter µm"] = round(m.perimeter * pixelSize);
    out["Major axis µm"] = round(m.majorAxis * pixelSize);
    out["Minor axis µm"] = round(m.minorAxis * pixelSize);
  }
  return out;
}

/** A UUID (version 8, of our own making) that the same crypt has in every run. */
function stableId(crypt: Crypt, className: string): string {
  const text = `${className} ${crypt.id} ${crypt.top} ${crypt.left} ${crypt.area}`;
  let hex = "";
  for (let word = 0; word < 4; word++) {
    let h = 0x811c9dc5 ^ word;
    for (const c of text) h = Math.imul(h ^ c.codePointAt(0)!, 0x01000193);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    hex += ((h ^ (h >>> 13)) >>> 0).toString(16).padStart(8, "0");
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${
    hex.slice(20)
  }`;
}
