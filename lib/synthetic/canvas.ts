/** The section under the microscope before light goes through it: how much stain lies where. */
import { type Noise, smoothstep } from "./noise.ts";
import { PIXEL_SIZE } from "./plan.ts";

/** How an ellipse of stain is laid down. Amounts are optical densities of the pure stain. */
export interface Ink {
  haematoxylin: number;
  eosin: number;
  /** Extra stain at the rim, as a share (negative: a darker centre). */
  rim?: number;
  /** Strength of the grain inside, as a share. */
  grain?: number;
  /** How far the ink replaces what lay there, in (0, 1]. */
  cover?: number;
  /** Width of the soft edge in µm. */
  softness?: number;
  /** How far the outline strays from an ellipse, as a share of the radius. */
  wobble?: number;
  /** Only pixels of this label are inked. */
  label?: number;
}

/** Two planes of stain and the label of every pixel, row-major. */
export class Canvas {
  readonly haematoxylin: Float32Array;
  readonly eosin: Float32Array;
  /** 0 outside of crypts, else the crypt's number. */
  readonly labels: Uint16Array;

  constructor(readonly height: number, readonly width: number, private readonly noise: Noise) {
    this.haematoxylin = new Float32Array(height * width);
    this.eosin = new Float32Array(height * width);
    this.labels = new Uint16Array(height * width);
  }

  /** The label at (x, y) in µm; -1 outside of the image. */
  labelAt(x: number, y: number): number {
    const column = Math.floor(x / PIXEL_SIZE), row = Math.floor(y / PIXEL_SIZE);
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return -1;
    return this.labels[row * this.width + column];
  }

  /**
   * Inks an ellipse with its centre at (x, y) µm, semi-axes `a` along `angle` and `b` across, µm.
   * `egg` in (-1, 1) widens it towards the end that `angle` points at.
   */
  ellipse(x: number, y: number, a: number, b: number, angle: number, ink: Ink, egg = 0): void {
    const { rim = 0, grain = 0, cover = 1, softness = 0.7, wobble = 0, label = -1 } = ink;
    const cos = Math.cos(angle), sin = Math.sin(angle);
    const reach = Math.max(a, b * (1 + Math.abs(egg))) * (1 + wobble / 2) + softness;
    const left = Math.max(0, Math.floor((x - reach) / PIXEL_SIZE));
    const right = Math.min(this.width - 1, Math.ceil((x + reach) / PIXEL_SIZE));
    const top = Math.max(0, Math.floor((y - reach) / PIXEL_SIZE));
    const bottom = Math.min(this.height - 1, Math.ceil((y + reach) / PIXEL_SIZE));
    const edge = Math.min(a, b) / softness;
    for (let row = top; row <= bottom; row++) {
      const dy = (row + 0.5) * PIXEL_SIZE - y;
      for (let column = left; column <= right; column++) {
        const i = row * this.width + column;
        if (label >= 0 && this.labels[i] !== label) continue;
        const dx = (column + 0.5) * PIXEL_SIZE - x;
        const u = (dx * cos + dy * sin) / a;
        const v = (dy * cos - dx * sin) / (b * (1 + egg * u));
        let q = Math.sqrt(u * u + v * v);
        if (wobble > 0) q *= 1 + wobble * (this.noise.at(x + 1.3 * u, y + 1.3 * v) - 0.5);
        const alpha = cover * smoothstep(0, 1, (1 - q) * edge + 0.5);
        if (alpha <= 0) continue;
        let share = 1 + rim * (q * q - 0.5);
        if (grain > 0) share += grain * (2 * this.noise.at(column * 0.52, row * 0.52) - 1);
        this.haematoxylin[i] += alpha * (ink.haematoxylin * share - this.haematoxylin[i]);
        this.eosin[i] += alpha * (ink.eosin * share - this.eosin[i]);
      }
    }
  }
}
