/** How large a pixel is, from what programs write into files: the rules of docs/data.md. */

/** Where a TIFF or another file may state its pixel size. */
export interface PixelSizeSources {
  /** TIFF's first ImageDescription. */
  description: string | null;
  /** Pixels per unit across, TIFF's XResolution. */
  xResolution: number | null;
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

/**
 * µm per pixel; null where the file does not say. Aperio's `MPP` comes first, then OME's
 * `PhysicalSizeX` with its unit (µm where absent, as OME's schema says), then ImageJ's `unit` with
 * the resolution, then a resolution per inch or centimetre over 5000 per inch; a resolution without
 * unit says nothing.
 */
export function pixelSizeOf(sources: PixelSizeSources): number | null {
  const { description, xResolution, resolutionUnit } = sources;
  if (description !== null) {
    const aperio = /\bMPP\s*=\s*([\d.,eE+-]+)/.exec(description);
    if (aperio) return parsePixelSize(aperio[1]);
    const ome = /\bPhysicalSizeX=["']([^"']*)["']/.exec(description);
    if (ome) {
      const unit = /\bPhysicalSizeXUnit=["']([^"']*)["']/.exec(description)?.[1] ?? "µm";
      return scaled(parsePixelSize(ome[1]), UNITS[unescape(unit)]);
    }
    const imagej = /^ImageJ=/.test(description) && /^unit=(.*)$/m.exec(description);
    if (imagej && xResolution !== null) {
      return scaled(1 / xResolution, UNITS[unescape(imagej[1].trim())]);
    }
  }
  if (xResolution === null || resolutionUnit === 1) return null;
  return densityPixelSize(resolutionUnit === 3 ? xResolution * 2.54 : xResolution);
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
