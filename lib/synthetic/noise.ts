/** Smooth random fields: the grain of everything in the synthetic tissue that is not a cell. */
import type { Random } from "../base/mod.ts";

const SIDE = 256;

/** Seeded value noise over the plane (lattice of random values, smooth interpolation), period 256. */
export class Noise {
  private readonly lattice = new Float32Array(SIDE * SIDE);

  constructor(random: Random) {
    for (let i = 0; i < this.lattice.length; i++) this.lattice[i] = random.next();
  }

  /** The field at (x, y), in [0, 1); one lattice cell is one unit. */
  at(x: number, y: number): number {
    const x0 = Math.floor(x), y0 = Math.floor(y);
    const fx = x - x0, fy = y - y0;
    const sx = fx * fx * (3 - 2 * fx), sy = fy * fy * (3 - 2 * fy);
    const left = x0 & 255, right = (x0 + 1) & 255;
    const top = (y0 & 255) * SIDE, bottom = ((y0 + 1) & 255) * SIDE;
    const table = this.lattice;
    const a = table[top + left], b = table[top + right];
    const c = table[bottom + left], d = table[bottom + right];
    const upper = a + (b - a) * sx;
    return upper + (c + (d - c) * sx - upper) * sy;
  }

  /**
   * Three octaves of {@link at}: larger shapes with finer detail on them, in [0, 1). Each octave is
   * turned against the one before, so that the lattice does not show.
   */
  cloud(x: number, y: number): number {
    return 0.55 * this.at(0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y) +
      0.29 * this.at(1.94 * x + 0.6 * y + 17.3, 1.94 * y - 0.6 * x + 5.7) +
      0.16 * this.at(2.3 * x + 3.4 * y + 41.9, 2.3 * y - 3.4 * x + 71.1);
  }

  /** Thin bright lines on dark, in [0, 1]: where the field passes its middle. */
  ridge(x: number, y: number): number {
    return 1 - Math.abs(2 * this.at(x, y) - 1);
  }

  /** A net of thin lines without direction, in [0, 1]. */
  net(x: number, y: number): number {
    return 1 - Math.min(1, 3 * Math.abs(this.cloud(x, y) - 0.5));
  }
}

/** 0 below `low`, 1 above `high`, smooth between. */
export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
