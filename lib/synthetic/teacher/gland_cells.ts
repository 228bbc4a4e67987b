/** The cells of glands: goblet cells, nuclei, and what dead cells leave in lumens. */
import type { Random } from "../../base/mod.ts";
import { type GlandStyle, isTangential } from "./gland_style.ts";
import { type Plate, Spacer, Tissue } from "./plate.ts";

/** Paints goblet cells, then nuclei, of all glands. */
export function paintGlandCells(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  paintGoblets(plate, styles, random.fork("goblets"));
  paintNuclei(plate, styles, random.fork("nuclei"));
  paintDebris(plate, styles, random.fork("debris"));
}

function paintGoblets(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const { noise } = plate;
  if (!styles.some((style) => style && style.goblets > 0.02)) return;
  const spacer = new Spacer(24);
  const step = 4;
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      let x = gx + random.uniform(0, step), y = gy + random.uniform(0, step);
      const chance = random.next(), vary = random.uniform(0.8, 1.2), shift = random.normal(0, 1.5);
      const i = plate.at(x, y);
      if (i < 0) continue;
      const label = plate.labels[i];
      if (label === 0) continue;
      const style = styles[label];
      const r = style.gobletSize * vary;
      // Goblet cells come in groups.
      const grouped = noise.cloud(x / 28 + 17 * label, y / 28);
      if (grouped + 0.3 * (chance - 0.5) > 0.22 + 0.62 * style.goblets) continue;
      if (style.goblets < 0.02) continue;
      const t = plate.distance[i];
      let angle = plate.inward(i), long = r * 1.15;
      if (style.height !== Infinity) {
        const root = Math.min(9, 0.4 * style.height);
        const deep = style.height - root;
        if (t < root || t > style.height + 3 || plate.hollow[i]) continue;
        long = Math.max(r, Math.min(0.5 * deep, 1.9 * r));
        const wanted = style.height - long * 0.9 + shift;
        if (Math.abs(wanted - t) > 6) continue;
        x += (wanted - t) * Math.cos(angle);
        y += (wanted - t) * Math.sin(angle);
      } else {
        if (t < 8 + 0.6 * r) continue;
        angle = random.uniform(0, Math.PI);
      }
      if (!spacer.claim(x, y, 1.95 * r)) continue;
      const stain = 0.01 + 0.14 * style.mucin;
      plate.ellipse(x, y, long, r, angle, {
        haematoxylin: stain * random.uniform(0.6, 1.3),
        eosin: 0.02 + 0.5 * stain * random.next(),
        grain: 0.5,
        rim: 0.5,
        cover: 0.92,
        softness: 1.2,
        wobble: 0.25,
        label,
      });
    }
  }
}

function paintNuclei(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const spacer = new Spacer(26);
  const step = 2.1;
  for (let gy = 0; gy < plate.tallness; gy += step) {
    for (let gx = 0; gx < plate.breadth; gx += step) {
      let x = gx + step * random.next(), y = gy + step * random.next();
      const chance = random.next();
      const i = plate.at(x, y);
      if (i < 0) continue;
      const label = plate.labels[i];
      if (label === 0 || plate.hollow[i]) continue;
      const style = styles[label];
      const t = plate.distance[i];
      const solid = style.band === Infinity || isTangential(style, plate, label, x, y, t);
      const angle = plate.inward(i);
      if (!solid) {
        if (t > Math.max(style.band, style.long * 0.9 + 3)) continue;
        // Most nuclei stand on the base; the others fill the band.
        const based = style.long * 0.9 + 1.4;
        if (t < based + 2.5 || chance < 0.35) {
          const wanted = t < based + 2.5 ? based + 1.1 * random.normal() : t;
          x += (wanted - t) * Math.cos(angle);
          y += (wanted - t) * Math.sin(angle);
        } else if (chance > 0.9) continue;
      } else if (t < 2.5 || chance > 0.72) continue;
      if (!spacer.claim(x, y, style.spacing)) continue;
      const big = Math.exp(random.normal(0, 0.13));
      const turned = angle + random.normal(0, solid ? 1 : style.tilt);
      plate.ellipse(x, y, style.long * big * (solid ? 0.8 : 1), style.wide * big, turned, {
        haematoxylin: style.dark * random.uniform(0.7, 1.25),
        eosin: random.uniform(0.12, 0.3),
        rim: style.rim,
        grain: 0.35,
        cover: 0.9,
        softness: 0.8,
        wobble: 0.3,
        label,
      });
    }
  }
}

/** Shed cells and dust of nuclei in lumens that hold dead cells. */
function paintDebris(plate: Plate, styles: readonly GlandStyle[], random: Random): void {
  const tries = Math.round(plate.breadth * plate.tallness / 45);
  for (let n = 0; n < tries; n++) {
    const x = random.uniform(0, plate.breadth), y = random.uniform(0, plate.tallness);
    const chance = random.next(), size = random.next();
    const i = plate.at(x, y);
    if (plate.labels[i] === 0 || !plate.hollow[i]) {
      if (plate.labels[i] === 0 && plate.tissue[i] === Tissue.necrosis && chance < 0.5) {
        dust(plate, x, y, size, random);
      }
      continue;
    }
    const { filling } = styles[plate.labels[i]];
    const often = filling === "glass" ? 0 : 0.006;
    const thick = plate.noise.cloud(x / 26 + 9, y / 26);
    if (filling === "necrosis" ? chance < 1.6 * (thick - 0.3) : chance < often) {
      dust(plate, x, y, size, random);
    }
  }
}

function dust(plate: Plate, x: number, y: number, size: number, random: Random): void {
  const r = 0.9 + 2.2 * size;
  plate.ellipse(x, y, r * random.uniform(1, 1.5), r, random.uniform(0, Math.PI), {
    haematoxylin: random.uniform(0.3, 1),
    eosin: random.uniform(0.2, 0.5),
    cover: 0.85,
    softness: 0.8,
    wobble: 0.4,
  });
}
