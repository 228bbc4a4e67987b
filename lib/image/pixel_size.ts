/** How large a pixel is, from what programs write into files: the rules of docs/data.md. */

/** Where a TIFF or another file may state its pixel size. */
export interface PixelSizeSources {
  /** TIFF's first ImageDescription. */
  description: string | null;
  /** Pixels per unit across, TIFF's XResolution. */
  xResolution: number | null;
  /** The same down, TIFF's YResolution. */
  yResolution: number | null;
  /** TIFF's ResolutionUnit: 1 is none, 2 inch, 3 centimetre. */
  resolutionUnit: number;
}

/** µm in each unit that OME and ImageJ write. */
const UNITS: Record<string, number> = {
  ...{ "µm": 1, "μm": 1, um: 1, micron: 1, microns: 1, micrometer: 1, micrometre: 1 },
  ...{ nm: 1e-3, mm: 1e3, cm: 1e4, m: 1e6, inch: 25400, in: 25400, "Å": 1e-4 },
};

/** Resolutions up to this many pixels per inch (5 µm) are some program's default. */
const DEFAULT_DENSITY = 5000;

/** Pixel sizes that a microscope's images have, in µm. */
const PLAUSIBLE = [0.05, 20] as const;

/** µm per pixel across and down. */
export interface PixelSizes {
  x: number;
  y: number;
}

/**
 * µm per pixel; null where the file does not say. Aperio's `MPP` comes first, then OME's
 * `PhysicalSizeX` and `PhysicalSizeY` with their units (µm where absent, as OME's schema says), then
 * ImageJ's `unit` with the resolution, then a resolution per inch or centimetre over 5000 per inch; a
 * resolution without unit says nothing. What is said of one direction only holds for both.
 */
export function pixelSizesOf(sources: PixelSizeSources): PixelSizes | null {
  const { description, xResolution, yResolution, resolutionUnit } = sources;
  if (description !== null) {
    const aperio = /\bMPP\s*=\s*([\d.,eE+-]+)/.exec(description);
    if (aperio) return both(parsePixelSize(aperio[1]), null);
    if (/\bPhysicalSizeX=["']/.test(description)) {
      return both(omeSize(description, "X"), omeSize(description, "Y"));
    }
    const imagej = /^ImageJ=/.test(description) && /^unit=(.*)$/m.exec(description);
    if (imagej && xResolution !== null) {
      const unit = UNITS[unescape(imagej[1].trim())];
      return both(scaled(1 / xResolution, unit), scaled(1 / (yResolution ?? xResolution), unit));
    }
  }
  if (xResolution === null || resolutionUnit === 1) return null;
  const perInch = (resolution: number) => resolutionUnit === 3 ? resolution * 2.54 : resolution;
  const across = densityPixelSize(perInch(xResolution));
  return both(across, across && 25400 / perInch(yResolution ?? xResolution));
}

function omeSize(description: string, axis: "X" | "Y"): number | null {
  const value = new RegExp(`\\bPhysicalSize${axis}=["']([^"']*)["']`).exec(description)?.[1];
  const unit = new RegExp(`\\bPhysicalSize${axis}Unit=["']([^"']*)["']`).exec(description)?.[1];
  return value === undefined ? null : scaled(parsePixelSize(value), UNITS[unescape(unit ?? "µm")]);
}

function both(x: number | null, y: number | null): PixelSizes | null {
  return x === null ? null : { x, y: y ?? x };
}

/** Sides that differ by no more than this are those of a square: scanners round. */
const SQUARE = 0.02;

/** The sizes in words where a pixel is no square; null where it is one, or nothing is known. */
export function nonSquare(sizes: PixelSizes | null): string | null {
  if (sizes === null || Math.abs(sizes.y / sizes.x - 1) <= SQUARE) return null;
  const round = (value: number) => Number(value.toPrecision(4));
  return `${round(sizes.x)} x ${round(sizes.y)} µm (width x height)`;
}

/** µm per pixel at `density` pixels per inch; null where that is no microscope's. */
export function densityPixelSize(density: number): number | null {
  return density > DEFAULT_DENSITY ? 25400 / density : null;
}

/** A positive finite number with decimal point or comma; null for anything else. */
export function parsePixelSize(text: string): number | null {
  const plain = text.trim();
  if (!/^\+?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$/.test(plain)) return null;
  const value = Number(plain.replace(",", "."));
  return value > 0 && Number.isFinite(value) ? value : null;
}

/** What is unusual about a pixel size, as the end of a sentence; null when nothing is. */
export function implausible(micrometres: number): string | null {
  const [least, most] = PLAUSIBLE;
  if (micrometres >= least && micrometres <= most) return null;
  return `${Number(micrometres.toPrecision(4))} µm per pixel, expected ${least} to ${most}`;
}

function scaled(value: number | null, unit: number | undefined): number | null {
  return value === null || unit === undefined ? null : value * unit;
}

/** XML's and ImageJ's ways to write µ. */
function unescape(unit: string): string {
  return unit.replace(/&#181;|&#xB5;|\\u00B5|\uFFFD/gi, "µ");
}
