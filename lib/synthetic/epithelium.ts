/** Crypts from within: columnar cells, their basal nuclei, goblet cells and the lumen. */
import type { Random } from "../base/mod.ts";
import type { Canvas } from "./canvas.ts";
import type { Crypt } from "./crypts.ts";
import { type Noise, smoothstep } from "./noise.ts";
import { bounds, DISTANCE_UNIT, walkOutline } from "./outlines.ts";
import { PIXEL_SIZE } from "./plan.ts";

/** Lays the cytoplasm and the lumen of every labelled pixel; `distances` from edgeDistances. */
export function paintCytoplasm(
  canvas: Canvas,
  crypts: Crypt[],
  distances: Uint16Array,
  noise: Noise,
): void {
  const { width, height, labels, haematoxylin, eosin } = canvas;
  for (let row = 0; row < height; row++) {
    const y = row * PIXEL_SIZE;
    for (let column = 0; column < width; column++) {
      const i = row * width + column;
      if (labels[i] === 0) continue;
      const crypt = crypts[labels[i] - 1];
      const x = column * PIXEL_SIZE;
      const uneven = noise.cloud(x / 9, y / 9) - 0.5;
      const fine = noise.at(x / 1.7 + 50, y / 1.7) - 0.5;
      const t = distances[i] * DISTANCE_UNIT;
      const basal = 1 - smoothstep(4, 11, t + 5 * uneven);
      const apical = smoothstep(7, crypt.epithelium, t) * (1 - crypt.base);
      let h = 0.13 + 0.16 * crypt.base + 0.2 * basal - 0.06 * apical + 0.14 * uneven + 0.1 * fine;
      let e = 0.34 + 0.08 * basal - 0.12 * apical + 0.2 * uneven + 0.1 * fine;
      h *= crypt.tone;
      e *= crypt.tone;
      if (crypt.section === "open") {
        const top = t + 9 * uneven - crypt.epithelium;
        const brush = Math.exp(-((top / 1.2) ** 2));
        const open = smoothstep(-0.8, 1, top);
        const mucus = crypt.mucus *
          (0.09 * noise.net(x / 7 + 13, y / 7) ** 3 + 0.05 * noise.cloud(x / 8, y / 8 + 90));
        h += 0.05 * brush + open * (0.01 + mucus - h);
        e += 0.08 * brush + open * (0.02 + 0.5 * mucus - e);
      }
      haematoxylin[i] = h;
      eosin[i] = e;
    }
  }
}

/** Paints the cells of one crypt over its cytoplasm. */
export function paintCrypt(
  canvas: Canvas,
  crypt: Crypt,
  label: number,
  distances: Uint16Array,
  random: Random,
): void {
  if (crypt.section === "foam") {
    paintFoam(canvas, crypt, label, distances, random.fork("goblets"));
  } else if (crypt.section === "cap") {
    paintCap(canvas, crypt, label, random.fork("cap"));
  } else {
    paintCellBorders(canvas, crypt, label, random.fork("borders"));
    paintPetals(canvas, crypt, label, random.fork("goblets"));
  }
  paintNuclei(canvas, crypt, label, random.fork("nuclei"));
}

/** Streaks from base to lumen: columnar cells, alternately paler and denser. */
function paintCellBorders(canvas: Canvas, crypt: Crypt, label: number, random: Random): void {
  const reach = crypt.epithelium - 6;
  for (const { x, y, inward } of walkOutline(crypt.outline, () => random.uniform(1.6, 3.6))) {
    const t = 6 + reach / 2 + random.normal(0, 1.5);
    const dense = random.uniform(-0.5, 1);
    const place: [number, number] = [x + t * Math.cos(inward), y + t * Math.sin(inward)];
    canvas.ellipse(...place, reach / 2, random.uniform(0.5, 1.3), inward + random.normal(0, 0.06), {
      haematoxylin: crypt.tone * (0.13 + 0.1 * dense + 0.16 * crypt.base),
      eosin: crypt.tone * (0.3 + 0.14 * dense),
      cover: 0.5,
      softness: 0.8,
      label,
    });
  }
}

/** Goblet cells side by side around the lumen. */
function paintPetals(canvas: Canvas, crypt: Crypt, label: number, random: Random): void {
  // Goblet cells come in groups: the chance of the next depends on the last.
  let grouped = random.next() < crypt.goblets;
  for (const { x, y, inward } of walkOutline(crypt.outline, () => random.uniform(8.5, 14))) {
    if (random.next() < 0.45) grouped = random.next() < crypt.goblets;
    if (!grouped) continue;
    const t = crypt.epithelium - 7 + random.normal(0, 1.8);
    const ripe = random.uniform(0.62, 1.25);
    paintMucin(
      canvas,
      crypt,
      label,
      [x + t * Math.cos(inward), y + t * Math.sin(inward)],
      [5.6 * ripe * random.uniform(0.85, 1.2), 4.3 * ripe],
      inward + random.normal(0, 0.15),
      random,
    );
  }
}

/** Goblet cells cut across, all over the section. */
function paintFoam(
  canvas: Canvas,
  crypt: Crypt,
  label: number,
  distances: Uint16Array,
  random: Random,
): void {
  const { left, right, top, bottom } = bounds(crypt.outline);
  const cells: { x: number; y: number; r: number }[] = [];
  const tries = (right - left) * (bottom - top) / 2;
  const largest = random.uniform(4.2, 5.6);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(left, right), y = random.uniform(top, bottom);
    // Ever smaller cells fill what the larger ones have left.
    const r = largest * (1 - 0.5 * n / tries) * random.uniform(0.9, 1);
    if (canvas.labelAt(x, y) !== label) continue;
    const column = Math.floor(x / PIXEL_SIZE), row = Math.floor(y / PIXEL_SIZE);
    if (distances[row * canvas.width + column] * DISTANCE_UNIT < 6.5 + r) continue;
    if (cells.some((c) => Math.hypot(c.x - x, c.y - y) < 0.93 * (c.r + r))) continue;
    cells.push({ x, y, r });
  }
  for (const { x, y, r } of cells) {
    if (random.next() > crypt.goblets + 0.2) continue;
    const angle = random.uniform(0, Math.PI);
    paintMucin(canvas, crypt, label, [x, y], [r * random.uniform(1, 1.2), r], angle, random);
  }
}

/** Nuclei all over, of cells cut across. */
function paintCap(canvas: Canvas, crypt: Crypt, label: number, random: Random): void {
  const { left, right, top, bottom } = bounds(crypt.outline);
  const nuclei: { x: number; y: number }[] = [];
  const tries = (right - left) * (bottom - top);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(left, right), y = random.uniform(top, bottom);
    if (canvas.labelAt(x, y) !== label) continue;
    if (nuclei.some((other) => Math.hypot(other.x - x, other.y - y) < 3.5)) continue;
    nuclei.push({ x, y });
    paintNucleus(canvas, crypt, label, x, y, random.uniform(0, Math.PI), random);
  }
}

function paintMucin(
  canvas: Canvas,
  crypt: Crypt,
  label: number,
  [x, y]: [number, number],
  [long, wide]: [number, number],
  angle: number,
  random: Random,
): void {
  canvas.ellipse(x, y, long + 0.8, wide + 0.8, angle, {
    haematoxylin: 0.16 * crypt.tone,
    eosin: 0.34 * crypt.tone,
    cover: 0.4,
    softness: 1.2,
    wobble: 0.25,
    label,
  }, 0.15);
  const pale = random.uniform(0, 0.05);
  canvas.ellipse(x, y, long, wide, angle, {
    haematoxylin: 0.01 + 0.06 * crypt.mucus + pale,
    eosin: 0.05 + pale,
    grain: 0.6,
    rim: 0.6,
    cover: 0.92,
    softness: 1.5,
    wobble: 0.25,
    label,
  }, 0.15);
}

function paintNuclei(canvas: Canvas, crypt: Crypt, label: number, random: Random): void {
  const rows = crypt.base > 0.4 ? [3.6, 6.4, 9.4] : [3.8, 6];
  for (const [k, depth] of rows.entries()) {
    // The second row holds what the section shows of nuclei that lie behind the first.
    const spacing = k === 0 ? 3.2 : 8 - 4.4 * crypt.base;
    const step = () => spacing * random.uniform(0.6, 1.4);
    for (const { x, y, inward } of walkOutline(crypt.outline, step)) {
      const t = depth + random.normal(0, 1);
      paintNucleus(
        canvas,
        crypt,
        label,
        x + t * Math.cos(inward),
        y + t * Math.sin(inward),
        inward + random.normal(0, 0.28),
        random,
      );
    }
  }
}

function paintNucleus(
  canvas: Canvas,
  crypt: Crypt,
  label: number,
  x: number,
  y: number,
  angle: number,
  random: Random,
): void {
  canvas.ellipse(x, y, random.uniform(2.2, 3.6), random.uniform(1.1, 1.9), angle, {
    haematoxylin: crypt.tone * random.uniform(0.45, 0.95),
    eosin: 0.36,
    rim: 0.35,
    grain: 0.3,
    cover: 0.9,
    softness: 0.7,
    wobble: 0.3,
    label,
  });
}
