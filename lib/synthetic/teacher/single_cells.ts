/** Single cells outside of glands, one function each: where they lie is decided by others. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import type { Plate } from "./plate.ts";

/** A dark round nucleus. */
export function lymphocyte(plate: Plate, x: number, y: number, dark: number, random: Random): void {
  const r = random.uniform(2.2, 3.3);
  plate.ellipse(x, y, r * random.uniform(1, 1.3), r, random.uniform(0, Math.PI), {
    haematoxylin: dark * random.uniform(0.6, 1.15),
    eosin: random.uniform(0.1, 0.3),
    grain: 0.35,
    cover: 0.93,
    softness: 0.7,
    wobble: 0.3,
  });
}

/** A nucleus at the side of its purple cell. */
export function plasma(plate: Plate, x: number, y: number, dark: number, random: Random): void {
  const angle = random.uniform(0, 2 * Math.PI), r = random.uniform(3.6, 5.4);
  plate.ellipse(x, y, r * 1.15, r * 0.9, angle, {
    haematoxylin: random.uniform(0.12, 0.26),
    eosin: random.uniform(0.2, 0.42),
    cover: 0.75,
    softness: 1.2,
    wobble: 0.3,
  });
  lymphocyte(plate, x + 1.6 * Math.cos(angle), y + 1.6 * Math.sin(angle), dark, random);
}

/** A pale nucleus with a rim, of a macrophage or an endothelial cell. */
export function pale(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(3.2, 5), random.uniform(2.2, 3.2), random.uniform(0, 3.1), {
    haematoxylin: random.uniform(0.25, 0.42),
    eosin: 0.16,
    rim: 0.8,
    grain: 0.5,
    cover: 0.9,
    softness: 0.7,
    wobble: 0.35,
  });
}

/** A long thin nucleus, of a fibroblast or a muscle cell. */
export function spindle(
  plate: Plate,
  x: number,
  y: number,
  angle: number,
  dark: number,
  random: Random,
): void {
  plate.ellipse(x, y, random.uniform(4, 8), random.uniform(1, 1.9), angle, {
    haematoxylin: dark * random.uniform(0.4, 0.85),
    eosin: 0.2,
    grain: 0.3,
    cover: 0.85,
    softness: 0.7,
    wobble: 0.4,
  });
}

/** A bright pink cell with a small nucleus. */
export function eosinophil(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(3.8, 5), random.uniform(3.2, 4.2), random.uniform(0, 3.1), {
    haematoxylin: 0.06,
    eosin: random.uniform(0.6, 0.95),
    grain: 0.35,
    cover: 0.85,
    softness: 1,
    wobble: 0.35,
  });
  lymphocyte(plate, x + 1, y, 0.8, random);
}

/** Now and then, where a carcinoma loses single cells, one of them. */
export function tumourCell(
  plate: Plate,
  features: Features,
  x: number,
  y: number,
  random: Random,
): void {
  if (random.next() > 0.25 * features.singleCells) return;
  const [dx, dy] = [random.normal(0, 4), random.normal(0, 4)];
  const r = random.uniform(5, 8);
  const cell = { cover: 0.8, softness: 1.2, wobble: 0.4 };
  plate.ellipse(x + dx, y + dy, r * 1.2, r, random.uniform(0, 3.1), {
    haematoxylin: 0.16,
    eosin: random.uniform(0.2, 0.4),
    ...cell,
  });
  plate.ellipse(x + dx, y + dy, r * 0.65, r * 0.5, random.uniform(0, 3.1), {
    haematoxylin: random.uniform(0.4, 0.9),
    eosin: 0.2,
    rim: 0.2 + features.vesicular,
    ...cell,
  });
}

/** A red cell. */
export function redCell(plate: Plate, x: number, y: number, random: Random): void {
  plate.ellipse(x, y, random.uniform(2.2, 3.4), random.uniform(1.9, 2.8), random.uniform(0, 3.1), {
    haematoxylin: 0.02,
    eosin: random.uniform(0.55, 0.95),
    cover: 0.9,
    softness: 0.8,
  });
}
