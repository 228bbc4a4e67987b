/** The layers of the colon wall: empty glass, mucosa, muscularis mucosae, submucosa. */
import type { Noise } from "./noise.ts";
import type { SlidePlan } from "./plan.ts";

/** Thickness of the muscularis mucosae in µm. */
export const MUSCLE_THICKNESS = 24;

/** Height of the epithelium that covers the mucosa's surface, µm. */
export const COVER_HEIGHT = 15;

/** Where the layers of one image lie. All lengths are in µm, (x, y) from the image's top left. */
export class Zones {
  private readonly cos: number;
  private readonly sin: number;
  private readonly start: number;
  private readonly surface: number;
  private readonly muscle: number;
  /** Amplitude of the folds: small images must not lose a layer to them. */
  private readonly swing: number;
  /** Extent of the image across the facing direction. */
  readonly breadth: number;

  constructor(
    plan: SlidePlan,
    readonly width: number,
    readonly height: number,
    private readonly noise: Noise,
  ) {
    this.cos = Math.cos(plan.facing);
    this.sin = Math.sin(plan.facing);
    const extent = Math.abs(this.cos) * width + Math.abs(this.sin) * height;
    this.breadth = Math.abs(this.sin) * width + Math.abs(this.cos) * height;
    this.start = (this.cos < 0 ? this.cos * width : 0) + (this.sin < 0 ? this.sin * height : 0);
    // Layers that the image is not to show lie far outside of it, whatever its size.
    this.surface = plan.glass < 0 ? -500 : plan.glass * extent;
    this.muscle = plan.muscle > 1 ? extent + 500 : plan.muscle * extent;
    this.swing = Math.min(90, 0.16 * extent);
  }

  /** Direction (radians) in which the tissue goes deeper. */
  get facing(): number {
    return Math.atan2(this.sin, this.cos);
  }

  /** Position across the facing direction, that is along the wall. */
  along(x: number, y: number): number {
    return -x * this.sin + y * this.cos;
  }

  /** Depth below the tissue's surface; negative on empty glass. */
  depth(x: number, y: number): number {
    const along = this.along(x, y);
    const fold = this.noise.cloud(along / 170 + 7, along / 900) - 0.5;
    const ragged = this.noise.cloud(x / 23, y / 23) - 0.5;
    return this.level(x, y) - this.surface - this.swing * fold - 5 * ragged;
  }

  /** Distance up to the muscularis mucosae; negative within and beyond it. */
  toMuscle(x: number, y: number): number {
    const along = this.along(x, y);
    const fold = this.noise.cloud(along / 210 + 31, along / 900 + 3) - 0.5;
    return this.muscle - this.level(x, y) + this.swing * fold;
  }

  /** The point at `depth` below the surface, `along` µm across the image from its first corner. */
  below(along: number, depth: number): [number, number] {
    const across = along + Math.min(0, -this.sin * this.width) +
      Math.min(0, this.cos * this.height);
    let level = this.surface + depth;
    let x = 0, y = 0;
    // depth() is monotone along the facing direction up to its small ragged part.
    for (let i = 0; i < 4; i++) {
      x = (level + this.start) * this.cos - across * this.sin;
      y = (level + this.start) * this.sin + across * this.cos;
      level += depth - this.depth(x, y);
    }
    return [x, y];
  }

  private level(x: number, y: number): number {
    return x * this.cos + y * this.sin - this.start;
  }
}
