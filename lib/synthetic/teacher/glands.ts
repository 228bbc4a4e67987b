/** Glands from within: cytoplasm and lumens. */
import type { Random } from "../../base/mod.ts";
import { smoothstep } from "../noise.ts";
import type { Features } from "./features.ts";
import { type Filling, type GlandStyle, isTangential } from "./gland_style.ts";
import { type Plate, Spacer } from "./plate.ts";

/** Lumens that lie within the epithelium: cribriform glands and intracellular gaps. */
export function punchLumens(
  plate: Plate,
  styles: readonly GlandStyle[],
  features: Features,
  random: Random,
): void {
  if (features.cribriform === 0 || features.carcinoma === 0) return;
  const spacer = new Spacer(90);
  const tries = Math.round(plate.breadth * plate.tallness / 300);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, plate.breadth), y = random.uniform(0, plate.tallness);
    const chance = random.next(), size = random.next();
    const i = plate.at(x, y);
    const label = plate.labels[i];
    if (label === 0 || chance > features.cribriform) continue;
    const r = 3 + 22 * size * size;
    const own = random.fork(n);
    if (plate.distance[i] < 15 + r || styles[label].growth !== "carcinoma") continue;
    if (!spacer.claim(x, y, 2 * r + 14)) continue;
    hollowOut(plate, x, y, r, r * own.uniform(0.5, 1), own.uniform(0, Math.PI), label);
  }
}

function hollowOut(
  plate: Plate,
  x: number,
  y: number,
  a: number,
  b: number,
  angle: number,
  label: number,
): void {
  const { pixel, width, height, labels, hollow, noise } = plate;
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const reach = 1.3 * a;
  for (
    let row = Math.max(0, Math.floor((y - reach) / pixel));
    row <= Math.min(height - 1, (y + reach) / pixel);
    row++
  ) {
    for (
      let column = Math.max(0, Math.floor((x - reach) / pixel));
      column <= Math.min(width - 1, (x + reach) / pixel);
      column++
    ) {
      const dx = column * pixel - x, dy = row * pixel - y;
      const q = Math.hypot((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b);
      const i = row * width + column;
      if (labels[i] === label && q < 0.75 + 0.5 * noise.at(dx / 6 + x, dy / 6 + y)) hollow[i] = 1;
    }
  }
}

/** Lays cytoplasm and lumens; `styles` by label. */
export function paintEpithelium(plate: Plate, styles: readonly GlandStyle[]): void {
  const { width, height, pixel, labels, hollow, haematoxylin, eosin, noise, distance } = plate;
  for (let row = 0, i = 0; row < height; row++) {
    const y = row * pixel;
    for (let column = 0; column < width; column++, i++) {
      if (labels[i] === 0) continue;
      const style = styles[labels[i]];
      const x = column * pixel, t = distance[i];
      if (style.filling === "glass" && t > style.height + 12) {
        hollow[i] = 1;
        continue;
      }
      const uneven = noise.cloud(x / 9, y / 9) - 0.5;
      const fine = noise.at(x / 1.8 + 50, y / 1.8) - 0.5;
      const solid = isTangential(style, plate, labels[i], x, y, t);
      const saw = style.serration * 16 * (noise.cloud(x / 13 + 60, y / 13) - 0.5);
      const top = solid && hollow[i] === 0 ? -30 : t + 7 * uneven + saw - style.height;
      const open = hollow[i] ? 1 : smoothstep(-0.8, 0.9, top);
      if (open > 0.5) hollow[i] = 1;
      const apical = style.height === Infinity ? 0 : smoothstep(0.3, 1, t / style.height);
      const [ch, ce] = style.cytoplasm;
      const pale = 1 - style.pale * apical;
      let h = ch * pale * (1 + 0.7 * uneven) + 0.1 * fine;
      let e = ce * (1 + 0.3 * apical * (1 - style.pale)) * (1 + 0.5 * uneven) + 0.12 * fine;
      const brush = Math.exp(-((top / 1.4) ** 2));
      h += 0.04 * brush;
      e += 0.12 * brush;
      const [lh, le] = contents(style.filling, x, y, noise.at(x / 2.2, y / 2.2) - 0.5, plate);
      haematoxylin[i] = Math.max(0, h + open * (lh - h));
      eosin[i] = Math.max(0, e + open * (le - e));
    }
  }
}

function contents(
  filling: Filling,
  x: number,
  y: number,
  fine: number,
  { noise }: Plate,
): [number, number] {
  switch (filling) {
    case "glass":
      return [0, 0];
    case "empty":
      return [0, 0.01];
    case "mucus": {
      const strand = noise.net(x / 8 + 13, y / 8) ** 3;
      return [0.02 + 0.07 * strand, 0.02 + 0.06 * strand];
    }
    case "secretion":
      return [0.04 + 0.04 * fine, 0.24 + 0.08 * fine];
    default: {
      const clump = noise.cloud(x / 9 + 31, y / 9);
      const there = smoothstep(0.36, 0.5, clump);
      return [(0.06 + 0.16 * fine) * there, (0.26 + 0.3 * fine + 0.3 * (clump - 0.4)) * there];
    }
  }
}
