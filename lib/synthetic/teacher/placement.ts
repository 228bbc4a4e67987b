/** Room for glands: tubes of normal and distorted crypts, adenoma and carcinoma by dart throwing. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import type { Growth } from "./growth.ts";
import type { Plate } from "./plate.ts";
import type { Shape } from "./shapes.ts";
import type { Mouth } from "./surface.ts";

const MARGIN = 60;

/** Places glands where there is room, one after the other. */
export class Placer {
  private readonly circles: number[] = [];
  private readonly shapes: Shape[] = [];
  /** How far the directions of neighbouring tumour glands differ, radians. */
  private order = 0.4;

  constructor(
    private readonly plate: Plate,
    private readonly features: Features,
    private readonly facing: number,
    private readonly random: Random,
    private readonly room: {
      /** Whether a gland may lie at the pixel. */
      allowed: (i: number) => boolean;
      /** Whether a circle keeps its distance from the surface. */
      under: (x: number, y: number, r: number) => boolean;
    },
  ) {}

  all(growth: Growth): Shape[] {
    const { features, random } = this;
    const area = (this.plate.breadth + 2 * MARGIN) * (this.plate.tallness + 2 * MARGIN);
    const mean = features.radius * (growth === "carcinoma" ? 1.35 : 1);
    const tries = Math.min(9000, Math.ceil(area / (mean * mean) * 26));
    const lean = this.facing + random.normal(0, 0.25);
    this.order = random.uniform(0.08, 0.8);
    for (let n = 0; n < tries; n++) {
      const x = random.uniform(-MARGIN, this.plate.breadth + MARGIN);
      const y = random.uniform(-MARGIN, this.plate.tallness + MARGIN);
      if (!this.fertile(x, y)) continue;
      // Small glands fill what the larger ones have left.
      const late = 1 - 0.3 * (n / tries);
      const r = mean * late * Math.exp(random.normal(0, features.radiusSpread));
      if (growth === "carcinoma") this.carcinoma(x, y, r, lean);
      else if (growth === "adenoma") this.adenoma(x, y, r, lean);
      else this.crypt(x, y, r, lean);
    }
    return this.shapes;
  }

  /** Places a crypt that opens to the surface, if there is room. */
  open({ x, y, radius, length, angle }: Mouth): void {
    const [cx, cy] = [x + length / 2 * Math.cos(angle), y + length / 2 * Math.sin(angle)];
    this.tube(cx, cy, radius, length, angle, 0.06, 3, true);
  }

  private fertile(x: number, y: number): boolean {
    const i = this.plate.at(x, y);
    if (i >= 0 && !this.room.allowed(i)) return false;
    const { sparse } = this.features;
    if (sparse === 0) return true;
    return this.plate.noise.cloud(x / 190 + 9, y / 190 + 77) > 0.3 + 0.35 * sparse;
  }

  private crypt(x: number, y: number, r: number, lean: number): void {
    const { features, random } = this;
    if (features.along > 0) {
      const length = random.uniform(1.5, 9) * r;
      this.tube(x, y, r, length, lean + random.normal(0, 0.12), 0.05, 3);
      return;
    }
    const turn = random.next() < 0.5 ? lean : random.uniform(0, Math.PI);
    const length = 2 * r * (features.stretch * Math.exp(random.normal(0, 0.15)) - 1);
    this.tube(x, y, r, Math.max(0, length), turn, 0.25, 2);
  }

  private adenoma(x: number, y: number, r: number, lean: number): void {
    const { features, random } = this;
    const long = random.next() < 0.3 + 0.5 * features.adenoma;
    const length = long ? random.uniform(1.5, 10) * r : random.uniform(0, 1.2) * r;
    this.tube(
      x,
      y,
      r * random.uniform(0.75, 1.1),
      length,
      lean + random.normal(0, 0.6 * this.order),
      0.3,
      5,
    );
  }

  private carcinoma(x: number, y: number, r: number, lean: number): void {
    const { features, random } = this;
    const size = Math.exp(random.normal(0, 0.45));
    const kind = random.next();
    const length = kind < 0.3 ? random.uniform(0, 1) * r : random.uniform(1.5, 9) * r;
    const wild = 0.25 + 0.5 * features.carcinoma;
    this.tube(x, y, r * size, length, lean + random.normal(0, this.order), wild, 6);
  }

  /** A bent tube of `length` µm beside its half width, with branches; placed if there is room. */
  private tube(
    x: number,
    y: number,
    r: number,
    length: number,
    angle: number,
    bend: number,
    joints: number,
    open = false,
  ): void {
    const { random } = this;
    const limbs: number[] = [];
    const steps = length < r ? 1 : joints;
    let [px, py, pr, turn] = [
      x - length / 2 * Math.cos(angle),
      y - length / 2 * Math.sin(angle),
      r,
      angle,
    ];
    for (let k = 0; k < steps; k++) {
      const qx = px + length / steps * Math.cos(turn), qy = py + length / steps * Math.sin(turn);
      const qr = r * Math.exp(random.normal(0, 0.5 * bend));
      limbs.push(px, py, pr, qx, qy, qr);
      if (random.next() < this.features.branching / steps * 1.5) {
        const side = turn + (random.next() < 0.5 ? -1 : 1) * random.uniform(0.5, 1.1);
        const reach = random.uniform(1, 3) * r;
        const [bx, by] = [qx + reach * Math.cos(side), qy + reach * Math.sin(side)];
        limbs.push(qx, qy, qr, bx, by, qr * random.uniform(0.7, 1.1));
      }
      [px, py, pr] = [qx, qy, qr];
      turn += random.normal(0, bend);
    }
    const circles = beads(limbs);
    if (!this.roomFor(circles, open)) return;
    for (const c of circles) this.circles.push(c);
    this.shapes.push({ limbs, radius: r, open });
  }

  private roomFor(circles: number[], open: boolean): boolean {
    const others = this.circles;
    const { spacing, radiusSpread } = this.features;
    const gap = spacing * (0.5 + this.random.next()) * (this.features.carcinoma > 0 ? 0.6 : 1);
    // Uneven crypts press on each other: the competition of layShapes flattens them.
    const pack = spacing < 6 ? 0.9 - 0.2 * radiusSpread : 1;
    for (let k = 0; k < circles.length; k += 3) {
      const x = circles[k], y = circles[k + 1], r = circles[k + 2];
      if (!open && !this.room.under(x, y, 0.8 * r)) return false;
      for (let m = 0; m < others.length; m += 3) {
        const dx = others[m] - x, dy = others[m + 1] - y;
        const least = pack * (others[m + 2] + r) + gap;
        if (dx * dx + dy * dy < least * least) return false;
      }
    }
    return true;
  }
}

/** Circles strung along the limbs: x, y, r each. */
function beads(limbs: number[]): number[] {
  const out: number[] = [];
  for (let m = 0; m < limbs.length; m += 6) {
    const [x0, y0, r0, x1, y1, r1] = limbs.slice(m, m + 6);
    const count = 1 + Math.floor(Math.hypot(x1 - x0, y1 - y0) / Math.max(8, 0.8 * r0));
    for (let k = 0; k <= count; k++) {
      const t = k / count;
      out.push(x0 + t * (x1 - x0), y0 + t * (y1 - y0), r0 + t * (r1 - r0));
    }
  }
  return out;
}
