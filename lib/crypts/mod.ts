/** Crypts as objects: found in masks, measured, and handed to QuPath. */
export { type Crypt, type CryptMaps, type CryptOptions, cryptsOf, findCrypts } from "./find.ts";
export { cryptFeature, type GeoJsonOptions, writeGeoJson } from "./geojson.ts";
export { type CryptMeasures, measureCrypt, perimeterOf } from "./measure.ts";
export { cryptsOfLabels, labelsOfCrypts } from "./labels.ts";
export { growMarkers, type MarkerOptions } from "./markers.ts";
export { SMALLEST_CRYPT_PIXELS, SMALLEST_CRYPT_UM2, smallestCrypt } from "./smallest.ts";
export { splitTouching } from "./split.ts";
export { type CryptRow, cryptRow, cryptsPerMm2, cryptTable } from "./table.ts";
