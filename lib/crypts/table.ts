/** Crypts and scores as tables. */
import pl, { type DataFrame } from "nodejs-polars";
import type { Crypt } from "./find.ts";
import { measureCrypt } from "./measure.ts";

/** One crypt of one image; lengths in µm are null where the pixel size is unknown. */
export interface CryptRow {
  image: string;
  crypt: number;
  x_px: number;
  y_px: number;
  area_px: number;
  perimeter_px: number;
  circularity: number;
  major_axis_px: number;
  minor_axis_px: number;
  orientation_deg: number;
  mean_probability: number | null;
  touches_border: boolean;
  area_um2: number | null;
  perimeter_um: number | null;
  major_axis_um: number | null;
  minor_axis_um: number | null;
}

/** The columns of {@link cryptTable} and their types. */
const COLUMNS: [keyof CryptRow, DataFrame["dtypes"][number]][] = [
  ["image", pl.Utf8],
  ["crypt", pl.Int32],
  ["x_px", pl.Float64],
  ["y_px", pl.Float64],
  ["area_px", pl.Float64],
  ["perimeter_px", pl.Float64],
  ["circularity", pl.Float64],
  ["major_axis_px", pl.Float64],
  ["minor_axis_px", pl.Float64],
  ["orientation_deg", pl.Float64],
  ["mean_probability", pl.Float64],
  ["touches_border", pl.Bool],
  ["area_um2", pl.Float64],
  ["perimeter_um", pl.Float64],
  ["major_axis_um", pl.Float64],
  ["minor_axis_um", pl.Float64],
];

/**
 * One crypt as a row.
 *
 * @param pixelSize µm a pixel; null when it is unknown
 */
export function cryptRow(image: string, crypt: Crypt, pixelSize: number | null): CryptRow {
  const m = measureCrypt(crypt);
  const um = (pixels: number, power = 1) => pixelSize === null ? null : pixels * pixelSize ** power;
  return {
    image,
    crypt: crypt.id,
    x_px: m.x,
    y_px: m.y,
    area_px: m.area,
    perimeter_px: m.perimeter,
    circularity: m.circularity,
    major_axis_px: m.majorAxis,
    minor_axis_px: m.minorAxis,
    orientation_deg: m.orientation,
    mean_probability: crypt.probability,
    touches_border: crypt.border,
    area_um2: um(m.area, 2),
    perimeter_um: um(m.perimeter),
    major_axis_um: um(m.majorAxis),
    minor_axis_um: um(m.minorAxis),
  };
}

/** Rows as a table; it has its columns when there is no row, too. */
export function cryptTable(rows: readonly CryptRow[]): DataFrame {
  return pl.DataFrame(
    Object.fromEntries(
      COLUMNS.map(([name, type]) => [name, pl.Series(name, rows.map((row) => row[name]), type)]),
    ),
  );
}

/**
 * Crypts a mm².
 *
 * @param area of the image, or of the tissue in it, in pixels
 * @param pixelSize µm a pixel; null gives null
 * @throws {RangeError} when the area is not positive
 */
export function cryptsPerMm2(count: number, area: number, pixelSize: number | null): number | null {
  if (!(area > 0)) throw new RangeError(`area must be > 0 pixels, got ${area}`);
  return pixelSize === null ? null : count / (area * (pixelSize / 1000) ** 2);
}
