/** Crypts as objects: found in masks, measured, matched with the truth, and handed to QuPath. */

export { type Crypt, type CryptOptions, cryptsOf, findCrypts } from "./find.ts";
export { cryptFeature, type GeoJsonOptions, writeGeoJson } from "./geojson.ts";
export { type CryptMeasures, measureCrypt, perimeterOf } from "./measure.ts";
export { splitTouching } from "./split.ts";
export { type CryptRow, cryptRow, cryptsPerMm2, cryptTable } from "./table.ts";
