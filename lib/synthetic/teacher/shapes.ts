/** Outlines of glands of any form: limbs that compete for the room, or a threshold on noise. */
import type { Plate } from "./plate.ts";

/** A gland as the union of limbs: x0, y0, r0, x1, y1, r1 each, µm. */
export interface Shape {
  limbs: number[];
  /** Mean half width, µm. */
  radius: number;
  /** Whether it opens to the surface of the mucosa. */
  open?: boolean;
}

/** How outlines are drawn. */
export interface OutlineOptions {
  /** µm by which an outline strays at the scale of a gland and of a few cells. */
  stray: [number, number];
  /** Least µm between neighbours; 0 lets them touch. */
  gap: number;
  /** Whether a gland may cover the pixel; `open` for one that opens to the surface. */
  allowed: (i: number, open?: boolean) => boolean;
}

/** Writes shape k as label k + 1; where two shapes overlap, the pixel goes to the deeper one. */
export function layShapes(plate: Plate, shapes: readonly Shape[], options: OutlineOptions): void {
  const { width, height, pixel, labels } = plate;
  const n = width * height;
  const best = new Float32Array(n).fill(1e6), second = new Float32Array(n).fill(1e6);
  const owner = new Uint16Array(n);
  const [wx, wy] = strayFields(plate, options.stray);
  const margin = options.stray[0] + options.stray[1] + options.gap + 2;
  shapes.forEach(({ limbs }, k) => {
    const label = k + 1;
    for (let m = 0; m < limbs.length; m += 6) {
      const [x0, y0, r0, x1, y1, r1] = limbs.slice(m, m + 6);
      const reach = 1.25 * Math.max(r0, r1) + margin;
      const left = Math.max(0, Math.floor((Math.min(x0, x1) - reach) / pixel));
      const right = Math.min(width - 1, Math.ceil((Math.max(x0, x1) + reach) / pixel));
      const top = Math.max(0, Math.floor((Math.min(y0, y1) - reach) / pixel));
      const bottom = Math.min(height - 1, Math.ceil((Math.max(y0, y1) + reach) / pixel));
      const sx = x1 - x0, sy = y1 - y0;
      const squared = sx * sx + sy * sy || 1;
      for (let row = top; row <= bottom; row++) {
        for (let column = left, i = row * width + left; column <= right; column++, i++) {
          const dx = (column + 0.5) * pixel + wx[i] - x0;
          const dy = (row + 0.5) * pixel + wy[i] - y0;
          const t = Math.min(1, Math.max(0, (dx * sx + dy * sy) / squared));
          const ex = dx - t * sx, ey = dy - t * sy;
          const q = Math.sqrt(ex * ex + ey * ey) / (r0 + t * (r1 - r0));
          if (owner[i] === label) {
            if (q < best[i]) best[i] = q;
          } else if (q < best[i]) {
            second[i] = best[i];
            best[i] = q;
            owner[i] = label;
          } else if (q < second[i]) {
            second[i] = q;
          }
        }
      }
    }
  });
  for (let i = 0; i < n; i++) {
    if (best[i] >= 1) continue;
    const { open, radius } = shapes[owner[i] - 1];
    if (!options.allowed(i, open)) continue;
    const free = (second[i] - best[i]) * radius;
    if (free >= options.gap) labels[i] = owner[i];
  }
}

/** Labels every region in which `field` is positive, from 1 on. */
export function layRegions(
  plate: Plate,
  field: (x: number, y: number) => number,
  options: OutlineOptions,
): void {
  const { width, height, pixel, labels } = plate;
  const [wx, wy] = strayFields(plate, options.stray);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      if (!options.allowed(i)) continue;
      if (field((column + 0.5) * pixel + wx[i], (row + 0.5) * pixel + wy[i]) > 0) labels[i] = 1;
    }
  }
}

function strayFields(plate: Plate, [wide, fine]: [number, number]) {
  const { width, height, pixel, noise } = plate;
  const wx = new Float32Array(width * height), wy = new Float32Array(width * height);
  for (let row = 0, i = 0; row < height; row++) {
    const y = row * pixel;
    for (let column = 0; column < width; column++, i++) {
      const x = column * pixel;
      let a = 2 * wide * (noise.at(x / 37, y / 37) - 0.5);
      let b = 2 * wide * (noise.at(x / 37 + 80, y / 37 + 31) - 0.5);
      if (fine > 0) {
        a += 2 * fine * (noise.at(x / 9, y / 9 + 63) - 0.5);
        b += 2 * fine * (noise.at(x / 9 + 115, y / 9) - 0.5);
      }
      wx[i] = a;
      wy[i] = b;
    }
  }
  return [wx, wy];
}

/**
 * Gives every connected piece of a label its own number from 1 on and drops pieces under `least`
 * µm². Where `whole`, only the largest piece of each old label stays.
 *
 * @returns for each new label the old one; index 0 is unused
 */
export function separatePieces(plate: Plate, least: number, whole: boolean): number[] {
  const { width, height, labels, pixel } = plate;
  const n = width * height;
  const piece = new Uint32Array(n);
  const stack = new Int32Array(n);
  const found: { old: number; size: number }[] = [{ old: 0, size: 0 }];
  for (let start = 0; start < n; start++) {
    if (labels[start] === 0 || piece[start] !== 0) continue;
    const old = labels[start], number = found.length;
    let top = 0, size = 0;
    stack[top++] = start;
    piece[start] = number;
    while (top > 0) {
      const i = stack[--top];
      size++;
      const column = i % width;
      for (let side = 0; side < 4; side++) {
        if (side === 0 ? column === 0 : side === 1 && column === width - 1) continue;
        const k = i + (side === 0 ? -1 : side === 1 ? 1 : side === 2 ? -width : width);
        if (k < 0 || k >= n || labels[k] !== old || piece[k] !== 0) continue;
        piece[k] = number;
        stack[top++] = k;
      }
    }
    found.push({ old, size });
  }
  const largest = new Map<number, number>();
  found.forEach(({ old, size }) => largest.set(old, Math.max(size, largest.get(old) ?? 0)));
  const renamed = new Uint32Array(found.length);
  const origins = [0];
  found.forEach(({ old, size }, k) => {
    if (k === 0 || size * pixel * pixel < least) return;
    if (whole && size < largest.get(old)!) return;
    renamed[k] = origins.length;
    origins.push(old);
  });
  for (let i = 0; i < n; i++) labels[i] = renamed[piece[i]];
  return origins;
}

/** Gives enclosed background under `least` µm² to the gland that encloses it. */
export function fillPinholes(plate: Plate, least: number): void {
  const { width, height, labels, pixel } = plate;
  const n = width * height;
  const seen = new Uint8Array(n);
  const stack = new Int32Array(n);
  for (let start = 0; start < n; start++) {
    if (labels[start] !== 0 || seen[start]) continue;
    const members: number[] = [];
    const limit = least / (pixel * pixel);
    let top = 0, around = 0, open = false, size = 0;
    stack[top++] = start;
    seen[start] = 1;
    while (top > 0) {
      const i = stack[--top];
      size++;
      if (size <= limit) members.push(i);
      const row = Math.floor(i / width), column = i - row * width;
      if (row === 0 || column === 0 || row === height - 1 || column === width - 1) open = true;
      for (const k of [i - 1, i + 1, i - width, i + width]) {
        if (k < 0 || k >= n) continue;
        if (labels[k] !== 0) {
          if (around === 0) around = labels[k];
          else if (around !== labels[k]) open = true;
        } else if (!seen[k]) {
          seen[k] = 1;
          stack[top++] = k;
        }
      }
    }
    if (!open && around > 0 && size <= limit) { for (const i of members) labels[i] = around; }
  }
}
