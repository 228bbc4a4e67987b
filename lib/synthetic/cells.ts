/** The single cells of the connective tissue. */
import type { Random } from "../base/mod.ts";
import type { Canvas } from "./canvas.ts";

/** A lymphocyte: a small, round, dark nucleus and hardly more. */
export function paintLymphocyte(canvas: Canvas, x: number, y: number, random: Random): void {
  const r = random.uniform(1.7, 2.7);
  canvas.ellipse(x, y, r * random.uniform(1, 1.25), r, random.uniform(0, Math.PI), {
    haematoxylin: random.uniform(0.55, 1.1),
    eosin: random.uniform(0.2, 0.4),
    grain: 0.35,
    cover: 0.93,
    softness: 0.7,
    wobble: 0.3,
    label: 0,
  });
}

/** A plasma cell: such a nucleus at the side of a violet body. */
export function paintPlasmaCell(canvas: Canvas, x: number, y: number, random: Random): void {
  const angle = random.uniform(0, 2 * Math.PI);
  const r = random.uniform(3, 4.2);
  canvas.ellipse(x, y, r * 1.15, r * 0.9, angle, {
    haematoxylin: random.uniform(0.12, 0.28),
    eosin: random.uniform(0.35, 0.5),
    cover: 0.75,
    softness: 1.4,
    wobble: 0.3,
    label: 0,
  });
  paintLymphocyte(canvas, x + 1.4 * Math.cos(angle), y + 1.4 * Math.sin(angle), random);
}

/** A macrophage or endothelial cell: a larger, pale nucleus with a visible membrane. */
export function paintPaleCell(canvas: Canvas, x: number, y: number, random: Random): void {
  const angle = random.uniform(0, Math.PI);
  canvas.ellipse(x, y, random.uniform(2.8, 4), random.uniform(1.8, 2.6), angle, {
    haematoxylin: random.uniform(0.25, 0.42),
    eosin: 0.28,
    rim: 0.8,
    grain: 0.5,
    cover: 0.9,
    softness: 0.7,
    wobble: 0.35,
    label: 0,
  });
}

/** An eosinophil: red granules, two lobes of nucleus. */
export function paintEosinophil(canvas: Canvas, x: number, y: number, random: Random): void {
  const angle = random.uniform(0, 2 * Math.PI);
  canvas.ellipse(x, y, random.uniform(3.3, 4.3), random.uniform(2.8, 3.6), angle, {
    haematoxylin: 0.06,
    eosin: random.uniform(0.6, 0.85),
    grain: 0.35,
    cover: 0.85,
    softness: 1.2,
    wobble: 0.35,
    label: 0,
  });
  const away = random.uniform(0.2, 1.2);
  for (const side of [-1, 1]) {
    const turn = angle + side * random.uniform(0.7, 1.3);
    canvas.ellipse(x + away + 1.5 * Math.cos(turn), y + 1.5 * Math.sin(turn), 1.7, 1.3, turn, {
      haematoxylin: random.uniform(0.5, 0.8),
      eosin: 0.45,
      cover: 0.9,
      label: 0,
    });
  }
}

/** A fibroblast, endothelial or muscle nucleus: long, thin, lying along its fibres. */
export function paintSpindle(
  canvas: Canvas,
  x: number,
  y: number,
  angle: number,
  random: Random,
): void {
  canvas.ellipse(x, y, random.uniform(2.6, 5.4), random.uniform(0.8, 1.4), angle, {
    haematoxylin: random.uniform(0.35, 0.75),
    eosin: 0.32,
    grain: 0.3,
    cover: 0.85,
    softness: 0.7,
    wobble: 0.4,
    label: 0,
  });
}
