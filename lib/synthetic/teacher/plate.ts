/** The section of a teaching sample, at any pixel size: stain, labels, tissue and distances. */
import { type Noise, smoothstep } from "../noise.ts";
import { edgeDistances } from "../outlines.ts";

/** What a pixel outside of glands is made of. */
export const Tissue = {
  glass: 0,
  lamina: 1,
  muscle: 2,
  collagen: 3,
  fat: 4,
  lymphoid: 5,
  necrosis: 6,
  fibrous: 7,
  surface: 8,
  vessel: 9,
  pool: 10,
} as const;

/** Stain laid down by {@link Plate.ellipse}; amounts are optical densities of the pure stain. */
export interface Dab {
  haematoxylin: number;
  eosin: number;
  /** Extra haematoxylin at the rim, as a share; negative for a dark centre. */
  rim?: number;
  /** Strength of the grain inside, as a share. */
  grain?: number;
  /** How far it replaces what lay there, in (0, 1]. */
  cover?: number;
  /** Width of the soft edge, µm. */
  softness?: number;
  /** How far the outline strays from an ellipse, as a share of the radius. */
  wobble?: number;
  /** Only pixels of this label are dabbed; -1 for all. */
  label?: number;
}

/** Planes of one section, row-major; lengths in µm from the top left corner. */
export class Plate {
  readonly haematoxylin: Float32Array;
  readonly eosin: Float32Array;
  /** 0 outside of epithelium and what it encloses, else the number of what is painted as one. */
  readonly labels: Uint16Array;
  /** 0 outside of glands, else the gland's number: the labels without the surface. */
  readonly truth: Uint16Array;
  /** A value of {@link Tissue}. */
  readonly tissue: Uint8Array;
  /** 1 where a gland is hollow. */
  readonly hollow: Uint8Array;
  /** µm to the nearest edge between labels; set by {@link measure}. */
  distance: Float32Array;

  constructor(
    readonly height: number,
    readonly width: number,
    /** µm. */
    readonly pixel: number,
    readonly noise: Noise,
  ) {
    const n = height * width;
    this.haematoxylin = new Float32Array(n);
    this.eosin = new Float32Array(n);
    this.labels = new Uint16Array(n);
    this.truth = new Uint16Array(n);
    this.tissue = new Uint8Array(n);
    this.hollow = new Uint8Array(n);
    this.distance = new Float32Array(n);
  }

  /** Width of the field, µm. */
  get breadth(): number {
    return this.width * this.pixel;
  }

  /** Height of the field, µm. */
  get tallness(): number {
    return this.height * this.pixel;
  }

  /** The pixel at (x, y) µm, or -1 outside of the field. */
  at(x: number, y: number): number {
    const column = Math.floor(x / this.pixel), row = Math.floor(y / this.pixel);
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return -1;
    return row * this.width + column;
  }

  /** Sets {@link distance} from the labels. */
  measure(): void {
    const units = edgeDistances(this.labels, this.height, this.width);
    const scale = this.pixel / 5;
    for (let i = 0; i < units.length; i++) this.distance[i] = units[i] * scale;
  }

  /** Direction in which {@link distance} grows at pixel `i`, radians: inwards within a gland. */
  inward(i: number): number {
    const { width, height, distance } = this;
    const row = Math.floor(i / width), column = i - row * width;
    const reach = Math.max(1, Math.round(2 / this.pixel));
    const left = i - Math.min(column, reach);
    const right = i + Math.min(width - 1 - column, reach);
    const up = i - Math.min(row, reach) * width;
    const down = i + Math.min(height - 1 - row, reach) * width;
    const own = this.labels[i];
    // Across an edge the distance grows again: count it as negative there.
    const d = (k: number) => this.labels[k] === own ? distance[k] : -distance[k];
    return Math.atan2(d(down) - d(up), d(right) - d(left));
  }

  /** Dabs an ellipse with semi-axes `a` along `angle` and `b` across, µm, round (x, y). */
  ellipse(x: number, y: number, a: number, b: number, angle: number, dab: Dab): void {
    const { rim = 0, grain = 0, cover = 1, wobble = 0, label = -1 } = dab;
    const { pixel, width, labels, haematoxylin, eosin, noise } = this;
    const softness = Math.max(dab.softness ?? 0.7, 0.7 * pixel);
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const reach = Math.max(a, b) * (1 + wobble / 2) + softness;
    const left = Math.max(0, Math.floor((x - reach) / pixel));
    const right = Math.min(width - 1, Math.ceil((x + reach) / pixel));
    const top = Math.max(0, Math.floor((y - reach) / pixel));
    const bottom = Math.min(this.height - 1, Math.ceil((y + reach) / pixel));
    const edge = Math.min(a, b) / softness;
    const limit = 1 + 0.5 / edge + wobble;
    for (let row = top; row <= bottom; row++) {
      const dy = (row + 0.5) * pixel - y;
      for (let column = left; column <= right; column++) {
        const i = row * width + column;
        if (label >= 0 && labels[i] !== label) continue;
        const dx = (column + 0.5) * pixel - x;
        const u = (dx * cos + dy * sin) / a, v = (dy * cos - dx * sin) / b;
        let q = Math.sqrt(u * u + v * v);
        if (q > limit) continue;
        if (wobble > 0) q *= 1 + wobble * (noise.at(x + 1.3 * u, y + 1.3 * v) - 0.5);
        const alpha = cover * smoothstep(0, 1, (1 - q) * edge + 0.5);
        if (alpha <= 0) continue;
        let share = 1 + rim * (q * q - 0.5);
        if (grain > 0) share += grain * (2 * noise.at(column * 0.52, row * 0.52) - 1);
        haematoxylin[i] += alpha * (dab.haematoxylin * share - haematoxylin[i]);
        eosin[i] += alpha * (dab.eosin - eosin[i]);
      }
    }
  }
}

/** Remembers where something lies, so that the next keeps its distance. */
export class Spacer {
  private readonly cells = new Map<number, number[]>();

  /** @param side at least the largest distance that is asked for, µm */
  constructor(private readonly side: number) {}

  /** Whether (x, y) is at least `distance` µm from all others; if so it is remembered. */
  claim(x: number, y: number, distance: number): boolean {
    const column = Math.floor(x / this.side), row = Math.floor(y / this.side);
    const least = distance * distance;
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        const cell = this.cells.get(r * 65536 + c);
        if (!cell) continue;
        for (let k = 0; k < cell.length; k += 2) {
          const dx = cell[k] - x, dy = cell[k + 1] - y;
          if (dx * dx + dy * dy < least) return false;
        }
      }
    }
    const key = row * 65536 + column;
    const own = this.cells.get(key);
    if (own) own.push(x, y);
    else this.cells.set(key, [x, y]);
    return true;
  }
}
