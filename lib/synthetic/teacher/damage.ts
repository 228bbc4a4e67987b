/** What goes wrong between the knife and the cover slip: tears, folds, dust. */
import type { Random } from "../../base/mod.ts";
import type { Features } from "./features.ts";
import { type Plate, Tissue } from "./plate.ts";

/** Tears and folds change the planes of stain; dust lies on glass and in lumens. */
export function damage(plate: Plate, features: Features, random: Random): void {
  for (let k = 0; k < Math.floor(features.tears); k++) {
    strip(plate, random.fork(`tear ${k}`), k === 0 ? [1, 45] : [1, 9], (i, there) => {
      plate.haematoxylin[i] *= 1 - there;
      plate.eosin[i] *= 1 - there;
    });
  }
  for (let k = 0; k < Math.floor(features.folds); k++) {
    const more = random.uniform(0.5, 1.1);
    strip(plate, random.fork(`fold ${k}`), [10, 45], (i, there) => {
      plate.haematoxylin[i] *= 1 + more * there;
      plate.eosin[i] *= 1 + more * there;
    });
  }
  const dust = random.fork("dust");
  const count = Math.round(features.debris * plate.breadth * plate.tallness / 1e6 * 8);
  for (let k = 0; k < count; k++) {
    const x = dust.uniform(0, plate.breadth), y = dust.uniform(0, plate.tallness);
    const i = plate.at(x, y);
    const r = dust.uniform(1, 5);
    const dab = {
      haematoxylin: dust.uniform(0.05, 0.8),
      eosin: dust.uniform(0.05, 0.5),
      cover: 0.8,
      wobble: 0.6,
      grain: 0.6,
    };
    if (plate.labels[i] === 0 ? plate.tissue[i] !== Tissue.glass : !plate.hollow[i]) continue;
    plate.ellipse(x, y, r * dust.uniform(1, 2), r, dust.uniform(0, Math.PI), dab);
  }
}

/** Applies `change` along a wandering strip across the field, with the share in [0, 1]. */
function strip(
  plate: Plate,
  random: Random,
  [thin, thick]: [number, number],
  change: (i: number, there: number) => void,
): void {
  const { width, height, pixel, noise } = plate;
  const angle = random.uniform(0, Math.PI);
  const cos = Math.cos(angle), sin = Math.sin(angle);
  const x0 = random.uniform(0, plate.breadth), y0 = random.uniform(0, plate.tallness);
  const half = random.uniform(thin, thick) / 2, sway = random.uniform(20, 120);
  const [from, to] = [random.uniform(-500, 0), random.uniform(0, 500)];
  const off = random.uniform(0, 200);
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      const dx = column * pixel - x0, dy = row * pixel - y0;
      const along = dx * cos + dy * sin;
      if (along < from || along > to) continue;
      const off0 = dy * cos - dx * sin;
      if (Math.abs(off0) > half + sway) continue;
      const across = off0 - sway * (noise.cloud(along / 130 + off, 7) - 0.5);
      const wide = half * Math.min(1, (along - from) / 60, (to - along) / 60) *
        (0.5 + noise.at(along / 25, off));
      const there = Math.min(1, Math.max(0, wide - Math.abs(across) + 0.5));
      if (there > 0) change(i, there);
    }
  }
}
